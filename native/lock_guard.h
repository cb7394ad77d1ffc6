/* vnd-lock is asked before anybody opens the image: fanotify(7). */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

static int guard = -1;
static bool guards_all;

static bool is_immutable(int image)
{
    struct statx status;
    return statx(image, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0;
}

/* 0, or an error number. */
static int start_guard(int image)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    /* Without a limit: beyond one, the kernel lets opens pass that nobody was asked about. */
    guard = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
                          O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (guard < 0)
        return errno;
    if (fanotify_mark(guard, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path) == 0)
        return 0;
    int error = errno;
    close(guard);
    guard = -1;
    return error;
}

/* The answer to whoever wants it. */
static const char *guard_by(const char *whom, int image)
{
    static char answer[128];
    guards_all = strcmp(whom, "all") == 0;
    int error = guard < 0 ? start_guard(image) : 0;
    if (error == 0)
        return "ok";
    snprintf(answer, sizeof answer, "error fanotify: %s", strerror(error));
    return answer;
}

/*
 * Answers those who wait, and says whether one was refused because the image isn't immutable. While it is, the kernel itself
 * lets only readers come so far; `none`: a writer may have, before it was. The kernel opens the file anew for each event, which
 * fails under a lease of F_WRLCK; then it refuses the open by itself.
 */
static bool answer_opens(int image, bool none)
{
    static char events[4096] __attribute__((aligned(8)));
    bool loose = false;
    ssize_t length = read(guard, events, sizeof events);
    struct fanotify_event_metadata *event = (void *)events;
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
        if (event->fd < 0)
            continue;
        bool immutable = is_immutable(image);
        struct fanotify_response response = {event->fd, !guards_all && !none && immutable ? FAN_ALLOW : FAN_DENY};
        if (write(guard, &response, sizeof response) != sizeof response)
            perror("vnd-lock: fanotify");
        close(event->fd);
        loose |= !immutable;
    }
    return loose;
}
