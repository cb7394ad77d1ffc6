/*
 * vnd-lock: vnd-lock NAME
 *
 * Holds an image's layout lock with the daemon that has taken it, and longer than that: it has the image's descriptor, on which
 * the lease and the claim hang, it is asked by the kernel before anybody opens the image, and it gets the signal when the lease
 * is being broken. Then it fails what the kernel serves of the disk, before anything else. It does so also while the daemon is
 * stopped or when it is dead: a daemon that doesn't say in time that nothing of it is on the way to the disk is killed, and
 * lease and guard stay until nobody can write any more.
 *
 * NAME is of an abstract Unix socket, SOCK_SEQPACKET, on which the daemon listens. A message is a line without its end, with
 * descriptors where that is said:
 *
 *   image           and the image's descriptor, and one end of a socket pair. Whatever can write, threads and rings, has the
 *                   other end open: when that is closed, nothing of the daemon writes any more.
 *   guard all       and a group of fanotify(7) in which the image is marked: refuse every open; "guard frozen": those of a file
 *                   that isn't immutable
 *   device          and a blank, and lines: NODE, NUMBER and MARKS of what the kernel serves, as in names.h, with tabs between
 *                   them; then the program that has it fail, and its arguments, one a line; and the program's descriptor. "device"
 *                   alone: nothing.
 *   closing         the image is about to be made immutable again: until a second after the next "serve", nobody opens it
 *   serve           the lease is F_RDLCK, and is watched from now on, or again
 *   ping            nothing
 *   fence           from now on the daemon may be killed
 *   held            nothing of the daemon starts before the next "serve"
 *   quiet           nothing of the daemon is on its way to the disk, and nothing starts before the next "serve"
 *   watch           whether what is done to the image is heard of: or "error WHY"
 *   compare         the daemon compares the map now: what was done to the image before is seen by that
 *   release         end; the daemon has given up the lease
 *
 * All are answered with "ok". It says by itself "broken" when somebody waits for the lease; "changed" when somebody has written
 * to the image or cut it all the same, once until the next "compare" or "serve"; and "loose" when somebody was refused because
 * the file isn't immutable any more, once until the next "serve".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lock_changes.h"
#include "lock_device.h"
#include "lock_guard.h"

enum { MESSAGE_SIZE = DEVICE_SIZE, DESCRIPTORS = 2, WATCHED = 5 };
/* A device that couldn't be failed is tried again so often; with the daemon dead, it is looked at so often whether it is gone. */
enum { RETRY_MILLIS = 100 };
/* Signals may be lost; then the lease is looked at. */
enum { LOOK_MILLIS = 1000 };
/* Who has passed the kernel's look at the flag before it was set again is asked about by then. */
enum { GRACE_MILLIS = 1000 };
/*
 * The daemon has half of the time after which the kernel lets others in. If others are in already, it has as long as a request
 * takes to say that nothing more starts: to kill it calls nothing back.
 */
enum { FENCE_PART = 2, CHANGED_MILLIS = 2000 };

static int channel = -1, image = -1, writers = -1, daemon_process = -1;
static bool serving, closing, loose, told_broken, told_changed, fenced, held, quiet, killed, claimed = true;
static off_t image_size;
static long long broken_millis = -1, changed_millis = -1, grace_millis, retry_millis;

static long long now_millis(void)
{
    struct timespec now;
    /* As the kernel's time for a lease: it stands still while the machine sleeps. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Whether it needn't be said again: to a daemon that doesn't read, because it was stopped, or can't be reached. */
static bool say(const char *text)
{
    return channel < 0 || send(channel, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* As of now: it may be changed at any time. 0 means never. */
static long long break_millis(void)
{
    char text[32] = "";
    int fd = open("/proc/sys/fs/lease-break-time", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    long long seconds = length <= 0 ? 1 : atoll(text);
    return (seconds < 1 ? 1 : seconds) * 1000;
}

static off_t size_now(void)
{
    struct stat facts;
    return fstat(image, &facts) == 0 ? facts.st_size : -1;
}

static void keep_image(const int *descriptors)
{
    image = descriptors[0];
    writers = descriptors[1];
    image_size = size_now();
    watch_changes(image);
}

static void compare(void)
{
    hear_changes();
    /* The daemon hears it before the answer. */
    if (serving && changed && !told_changed)
        say("changed");
    changed = told_changed = false;
    changed_millis = -1;
}

static void serve(void)
{
    /* Each time: with a lease that is given up, the kernel forgets whom to tell (fs/locks.c, lease_modify). */
    fcntl(image, F_SETOWN, getpid());
    fcntl(image, F_SETSIG, SIGURG);
    if (closing)
        grace_millis = now_millis() + GRACE_MILLIS;
    serving = true;
    closing = loose = held = quiet = told_broken = told_changed = false;
    broken_millis = changed_millis = -1;
}

static const char *obey(char *message, const int *descriptors, int count)
{
    if (strcmp(message, "image") == 0 && count == DESCRIPTORS)
        keep_image(descriptors);
    else if (strncmp(message, "guard ", 6) == 0 && count == 1)
        return keep_guard(message + 6, descriptors[0]) ? "ok" : "error not understood";
    else if (strcmp(message, "device") == 0)
        keep_device("", -1);
    else if (strncmp(message, "device ", 7) == 0 && count == 1)
        return keep_device(message + 7, descriptors[0]) ? "ok" : "error not understood";
    else if (strcmp(message, "serve") == 0)
        serve();
    else if (strcmp(message, "watch") == 0)
        return changes >= 0 ? "ok" : "error inotify: no more instances (fs.inotify.max_user_instances), or none here";
    else if (strcmp(message, "compare") == 0)
        compare();
    else if (strcmp(message, "closing") == 0)
        closing = true;
    else if (strcmp(message, "ping") == 0)
        return "ok";
    else if (strcmp(message, "fence") == 0)
        fenced = true;
    else if (strcmp(message, "held") == 0)
        held = true;
    else if (strcmp(message, "quiet") == 0)
        quiet = true;
    else
        return "error not understood";
    return "ok";
}

/* The daemon's next message; at the end of the channel it is dead. */
static void listen_to_daemon(void)
{
    static char message[MESSAGE_SIZE];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec data = {message, sizeof message - 1};
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int descriptors[DESCRIPTORS], count = 0;
    ssize_t length = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        close(channel);
        channel = -1;
        return;
    }
    message[length] = '\0';
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
        count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(descriptors, CMSG_DATA(rights), count * sizeof(int));
    }
    if (strcmp(message, "release") == 0) {
        close(image);
        close(guard);
        say("ok");
        exit(0);
    }
    say(obey(message, descriptors, count));
}

/* Into the log, by a process of its own: that may be on a file system that is frozen or full. */
static void note(const char *text)
{
    if (fork() == 0) {
        /* What it had open would stay as long as it waits. */
        close_range(STDERR_FILENO + 1, ~0U, 0);
        fprintf(stderr, "vnd-lock: %s\n", text);
        _exit(0);
    }
}

static void kill_daemon(void)
{
    killed = true;
    syscall(SYS_pidfd_send_signal, daemon_process, SIGKILL, NULL, 0);
    note("others want to write to the image, and the daemon hasn't stopped in time: killed");
}

/* What is to be done now; in how many milliseconds there may be something, or -1. */
static int look(void)
{
    long long now = now_millis();
    if (serving && changes < 0) {
        /* Then this is what can be seen, in time. */
        changed |= size_now() != image_size;
        watch_changes(image);
    }
    if (serving && broken_millis < 0 && (changed || fcntl(image, F_GETLEASE) != F_RDLCK)) {
        broken_millis = now;
        retry_millis = now;
    }
    int wait = serving ? LOOK_MILLIS : -1;
    if (broken_millis >= 0) {
        if (node != NULL && !device_failed && failing < 0 && now >= retry_millis)
            start_failing();
        if (changed && !told_changed && (told_changed = say("changed")))
            note("others have written to the image, or cut it");
        else if (!changed && !told_broken && (told_broken = say("broken")))
            note("others want to write to the image");
        told_broken |= changed;
        if (changed && changed_millis < 0)
            changed_millis = now;
        bool late = now >= broken_millis + break_millis() / FENCE_PART ||
                    (changed && !held && now >= changed_millis + CHANGED_MILLIS);
        if (fenced && !quiet && !killed && channel >= 0 && late)
            kill_daemon();
        wait = RETRY_MILLIS;
    }
    if (channel >= 0)
        return wait;
    char none;
    if (image < 0 || recv(writers, &none, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        /* Nothing of the daemon's writes: who recovers may have the claim. */
        if (claimed && image >= 0)
            flock(image, LOCK_UN);
        claimed = false;
        if (failing < 0 && (device_failed || !device_there())) {
            if (node == NULL || flushed)
                exit(0);
            /* First: what the kernel writes from that cache later goes to blocks that may be others' by then. */
            if (flushing < 0)
                start_flushing(image);
        }
    }
    return RETRY_MILLIS;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer;
    socklen_t peer_size = sizeof peer;
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path - 1)
        return 2;
    strcpy(address.sun_path + 1, argv[1]);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1]));
    channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (channel < 0 || connect(channel, (const struct sockaddr *)&address, size) != 0 ||
        getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) != 0 ||
        (daemon_process = (int)syscall(SYS_pidfd_open, peer.pid, 0)) < 0) {
        perror("vnd-lock");
        return 1;
    }
    /* The daemon decides when the disk ends, also when a signal reaches all of its group. */
    for (const int *ignored = (const int[]){SIGINT, SIGHUP, SIGTERM, SIGPIPE, 0}; *ignored != 0;)
        signal(*ignored++, SIG_IGN);
    sigset_t read_here;
    sigemptyset(&read_here);
    sigaddset(&read_here, SIGURG);
    sigaddset(&read_here, SIGCHLD);
    sigprocmask(SIG_BLOCK, &read_here, NULL);
    int signals = signalfd(-1, &read_here, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return 1;
    /*
     * As far as we may. What others do to the image without asking for it is answered before they can do more, whatever else the
     * machine has to do: each time it is a few microseconds of work, and the start of a small program.
     */
    mlockall(MCL_CURRENT | MCL_FUTURE);
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    for (;;) {
        int wait = look();
        struct pollfd watched[WATCHED] = {
            {channel, POLLIN, 0}, {signals, POLLIN, 0}, {guard, POLLIN, 0}, {changes, POLLIN, 0},
            {claimed && channel < 0 ? writers : -1, 0, 0}};
        if (poll(watched, WATCHED, wait) < 0) {
            /* As where somebody has lowered the limit of open files to less than are watched: each is asked by itself. */
            poll(NULL, 0, RETRY_MILLIS / 10);
            for (int each = 0; each < WATCHED; each++)
                watched[each].revents = POLLIN;
        }
        hear_changes();
        struct signalfd_siginfo signal_read;
        while (read(signals, &signal_read, sizeof signal_read) > 0)
            ; /* Which of them it was is looked at. */
        if (reap()) {
            retry_millis = now_millis() + RETRY_MILLIS;
            if (failing_kept && device_failed)
                note("what the kernel serves of the disk has been made to fail, or is gone");
            else if (failing_kept && !failing_told) {
                failing_told = true;
                note("what the kernel serves of the disk can't be made to fail: tried again and again");
            }
        }
        bool none = closing || now_millis() < grace_millis;
        if (watched[2].revents != 0 && answer_open(image, none) && serving && !loose) {
            loose = true;
            say("loose");
        }
        if (watched[0].revents != 0)
            listen_to_daemon();
    }
}
