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

/* Of lock.c: standard error itself may be on a file system that is frozen, and whoever opens the image would wait for that. */
static void note(const char *text);

static void note_failure(int error)
{
    char text[128];
    snprintf(text, sizeof text, "fanotify: %s", strerror(error));
    note(text);
}

static bool is_immutable(int image)
{
    struct statx status;
    return statx(image, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0;
}

/*
 * What was asked of whoever had the group before, and not answered, is answered for by the number that its descriptor had: one,
 * because events are read one by one, and a small one, because so few descriptors are open besides.
 */
enum { UNANSWERED = 64 };

/*
 * Takes the group of fanotify in which the daemon has marked the image for FAN_OPEN_PERM. It is the daemon's too, so that nobody
 * gets in while this process is dead and the next isn't there yet: he waits until that one answers.
 */
static bool keep_guard(const char *whom, int group)
{
    char path[32], kind[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", group);
    ssize_t length = readlink(path, kind, sizeof kind);
    if (length < 0 || memmem(kind, (size_t)length, "[fanotify]", 10) == NULL)
        return false;
    guards_all = strcmp(whom, "all") == 0;
    guard = group;
    int failure = 0;
    for (int fd = 0; fd < UNANSWERED; fd++) {
        struct fanotify_response refused = {fd, FAN_DENY};
        if (write(guard, &refused, sizeof refused) != sizeof refused && errno != ENOENT)
            failure = errno;
    }
    if (failure != 0)
        note_failure(failure);
    return true;
}

/*
 * Answers one of those who wait, and says whether it was refused because the image isn't immutable. While it is, the kernel
 * itself lets only readers come so far; `none`: a writer may have, before it was. The kernel opens the file anew for each event,
 * which fails under a lease of F_WRLCK; then it refuses the open by itself.
 */
static bool answer_open(int image, bool none)
{
    /* Without room for a second event. */
    struct fanotify_event_metadata event;
    ssize_t length = read(guard, &event, sizeof event);
    if (!FAN_EVENT_OK(&event, length) || event.fd < 0)
        return false;
    bool immutable = is_immutable(image);
    struct fanotify_response response = {event.fd, !guards_all && !none && immutable ? FAN_ALLOW : FAN_DENY};
    if (write(guard, &response, sizeof response) != sizeof response)
        note_failure(errno);
    close(event.fd);
    return !immutable;
}
