/* vnd-lock hears of what was done to the image by ways that ask for no open and wait for no lease: inotify(7). */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/* -1 where there can't be one, as beyond fs.inotify.max_user_instances: then vnd-lock's own look at the size has to do. */
static int changes = -1;
/* Since the daemon has compared the map last. Nobody may change the content or size of a file that is locked. */
static bool changed;

static void watch_changes(int image)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (changes >= 0 && inotify_add_watch(changes, path, IN_MODIFY) < 0) {
        close(changes);
        changes = -1;
    }
}

/* Who writes all the time makes as many events: the rest the next time. */
enum { READS_MAX = 16 };

/* Takes what there is to hear. */
static void hear_changes(void)
{
    static char events[4 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t length;
    for (int reads = 0; changes >= 0 && reads < READS_MAX && (length = read(changes, events, sizeof events)) > 0; reads++)
        for (char *at = events; at < events + length;
             at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len)
            changed |= (((struct inotify_event *)at)->mask & (IN_MODIFY | IN_Q_OVERFLOW)) != 0;
}
