/*
 * vnd-handoff: vnd-handoff COMMAND ARGS...
 *
 * Runs COMMAND and hands on what it writes to its standard output, until it and its children have closed that, and ends
 * then: not when COMMAND ends. It stands between the command line and the keeper, because a JVM whose child still runs
 * takes 300 ms longer to exit (HotSpot's VM_Exit::wait_for_threads_in_native_to_block), and one whose child has ended
 * closes the pipe at once.
 *
 * When nobody reads our output any more, we end at once, so that COMMAND's next write fails as ours would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
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
    pid_t child = fork();
    if (child < 0)
        return failed("fork");
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execv(argv[1], argv + 1);
        failed(argv[1]);
        fflush(stdout);
        _exit(127);
    }
    close(ends[1]);
    char part[4096];
    struct pollfd watched[] = {{ends[0], POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    while ((poll(watched, 2, -1) > 0 || errno == EINTR) && watched[1].revents == 0) {
        ssize_t length = read(ends[0], part, sizeof part);
        if (length <= 0 || write(STDOUT_FILENO, part, (size_t)length) != length)
            break;
    }
    return 0;
}
