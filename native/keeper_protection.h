/* The keeper's, before there is a daemon: whole descriptors, few variables, every protection. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* A descriptor below 3 that is closed would be that of the next file opened. Nobody hears what is written to 1 then. */
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            exit(1);
}

/*
 * Leaves us and the daemon only the variables that it needs: it lives for weeks, and whoever started it may have had secrets
 * in others, or a library to be loaded first. What is dropped is wiped, because /proc/PID/environ shows the place.
 */
static void shorten_environment(void)
{
    static const char *const kept[] = {"JAVA_HOME=", "LANG=", "LC_ALL=", "LC_CTYPE=", "VND_", NULL};
    char **end = environ;
    for (char **variable = environ; *variable != NULL; variable++) {
        const char *const *name = kept;
        while (*name != NULL && strncmp(*variable, *name, strlen(*name)) != 0)
            name++;
        if (*name != NULL)
            *end++ = *variable;
        else
            explicit_bzero(*variable, strlen(*variable));
    }
    *end = NULL;
}

#define WITHOUT(...) (fprintf(notes, __VA_ARGS__), fputc(';', notes))

/*
 * Gives this process, and so the daemon it becomes, every protection that the kernel grants; VND_UNPROTECTED names the others.
 * False if there is no memory for it.
 */
static bool protect(void)
{
    static char unprotected[512];
    FILE *notes = fmemopen(unprotected, sizeof unprotected, "w");
    if (notes == NULL)
        return false;
    /* A broken lease sends SIGIO, whose default kills. The daemon looks at its lease instead. */
    signal(SIGIO, SIG_IGN);

    /* Reclaiming memory for us must not wait for writes to our own disk. */
    if (prctl(PR_SET_IO_FLUSHER, 1UL, 0UL, 0UL, 0UL) != 0)
        WITHOUT("io-flusher: %s (needs CAP_SYS_RESOURCE)", strerrorname_np(errno));
    else if (prctl(PR_GET_IO_FLUSHER, 0UL, 0UL, 0UL, 0UL) != 1)
        WITHOUT("io-flusher: set, but the kernel doesn't show it");

    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || write(score, "-1000", 5) != 5)
        WITHOUT("oom-score: %s (needs CAP_SYS_RESOURCE)", strerrorname_np(errno));
    close(score);

    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_MEMLOCK, &limit);
        if (limit.rlim_max != RLIM_INFINITY)
            WITHOUT("memlock: at most %ju bytes (needs CAP_SYS_RESOURCE)", limit.rlim_max);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    fclose(notes);
    return setenv("VND_UNPROTECTED", unprotected, 1) == 0;
}
