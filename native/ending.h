/* How the daemon of vnd-keeper has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether a signal has told the keeper that the disk is to end. */
static bool told;

/*
 * Whether the daemon was told to end before it could listen to that, as one of our signals or of the terminal's does to a JVM
 * that only starts: it has no record yet, and touched nothing.
 */
static bool told_too_early(int end, int state, const char *unit)
{
    char record[64];
    snprintf(record, sizeof record, "%s/unit.json", unit);
    int by = WIFSIGNALED(end) ? WTERMSIG(end) : 0;
    return (told || by == SIGTERM || by == SIGINT || by == SIGHUP) &&
           faccessat(state, record, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* Into the log, where the command line finds it. */
static void tell_end(int end)
{
    const char *name = WIFSIGNALED(end) ? sigabbrev_np(WTERMSIG(end)) : NULL;
    if (WIFEXITED(end))
        fprintf(stderr, "vnd-keeper: the daemon ended with status %d\n", WEXITSTATUS(end));
    else
        fprintf(stderr, "vnd-keeper: the daemon was killed by SIG%s\n", name == NULL ? "RT" : name);
}
