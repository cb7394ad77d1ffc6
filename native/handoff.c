/*
 * vnd-handoff: vnd-handoff COMMAND ARGS...
 *
 * Runs COMMAND and hands on what it writes to its standard output, until it and its children have closed that, and ends
 * then: not when COMMAND ends. It stands between the command line and the keeper, because a JVM whose child still runs
 * takes 300 ms longer to exit (HotSpot's VM_Exit::wait_for_threads_in_native_to_block), and one whose child has ended
 * closes the pipe at once.
 *
 * When nobody reads our output any more, we end at once, so that COMMAND's next write fails as ours would. SIGTERM is how
 * the command line takes back what it has asked for: nobody reads COMMAND's output any more, and we end when COMMAND has.
 * The other signals of a terminal are the command line's to decide on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(const char *what)
{
    printf("error vnd-handoff: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    int ends[2];
    if (argc < 2)
        return 2;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return failed("pipe");
    sigset_t blocked, read_here, before;
    sigemptyset(&read_here);
    sigaddset(&read_here, SIGTERM);
    sigaddset(&read_here, SIGCHLD);
    blocked = read_here;
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    signal(SIGCHLD, SIG_DFL);
    pid_t child = fork();
    if (child < 0)
        return failed("fork");
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        sigprocmask(SIG_SETMASK, &before, NULL);
        execv(argv[1], argv + 1);
        failed(argv[1]);
        fflush(stdout);
        _exit(127);
    }
    close(ends[1]);
    signal(SIGTERM, SIG_DFL); /* One that is ignored is never read. */
    int signals = signalfd(-1, &read_here, SFD_CLOEXEC);
    if (signals < 0)
        return failed("signalfd");
    char part[4096];
    struct signalfd_siginfo signal_read;
    struct pollfd watched[] = {{ends[0], POLLIN, 0}, {signals, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    while ((poll(watched, 3, -1) > 0 || errno == EINTR) && watched[2].revents == 0) {
        if (watched[1].revents != 0) {
            ssize_t length = read(signals, &signal_read, sizeof signal_read);
            if (length == sizeof signal_read && signal_read.ssi_signo == SIGTERM && watched[0].fd >= 0) {
                close(ends[0]);
                watched[0].fd = -1; /* Which poll passes over. */
            }
            if (watched[0].fd < 0 && waitpid(child, NULL, WNOHANG) != 0)
                break;
        } else if (watched[0].revents != 0) {
            ssize_t length = read(ends[0], part, sizeof part);
            if (length <= 0 || write(STDOUT_FILENO, part, (size_t)length) != length)
                break;
        }
    }
    return 0;
}
