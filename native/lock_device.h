/* What the kernel serves of vnd-lock's disk, and how it is made to fail. */
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "marks.h"

enum { DEVICE_SIZE = 16384, ARGUMENTS = 16 };

/* None if `node` is NULL; else its number and marks as in names.h, and the command that has it fail. */
static char device[DEVICE_SIZE], *node, *number, *marks, *command[ARGUMENTS + 1];
/* Its program, which is run also if it isn't in its place any more, as after an upgrade. */
static int program = -1;
static bool device_failed;
static pid_t failing = -1;
/* Who writes back what the device may have left in the cache below it, and whether that is done. */
static pid_t flushing = -1;
static bool flushed;
/* Whether it has been told that an attempt was in vain; others follow. */
static bool failing_told;
/* Whether the one that is made to fail is still the one that is kept. */
static bool failing_kept;

/* Takes the lines of a message apart, or none, and the program's descriptor or -1; whether they were understood. */
static bool keep_device(const char *text, int descriptor)
{
    char *rest = NULL;
    if (program >= 0)
        close(program);
    program = descriptor;
    if (strlen(text) >= sizeof device)
        return false;
    node = strtok_r(strcpy(device, text), "\n", &rest);
    number = node == NULL || *node != '/' ? NULL : strchr(node, '\t');
    marks = number == NULL ? NULL : strchr(number + 1, '\t');
    int count = 0;
    while (count < ARGUMENTS && (command[count] = strtok_r(NULL, "\n", &rest)) != NULL)
        count++;
    device_failed = failing_kept = failing_told = false;
    if (marks == NULL || count == 0) {
        node = NULL;
        return *text == '\0';
    }
    *number++ = *marks++ = '\0';
    return true;
}

/* Where an empty folder hides it, nothing can be told. */
static bool sees_devices(void)
{
    DIR *devices = opendir("/sys/class/block");
    bool sees = false;
    for (struct dirent *entry; devices != NULL && !sees && (entry = readdir(devices)) != NULL;)
        sees = entry->d_name[0] != '.';
    if (devices != NULL)
        closedir(devices);
    return sees;
}

/* Whether the kernel still serves it, or that can't be told. Looking takes the marks apart. */
static bool device_there(void)
{
    static char looked_at[DEVICE_SIZE], found[NAME_SIZE];
    if (node == NULL)
        return false;
    if (!sees_devices())
        return true;
    /* Strictly: one that was cleared keeps its number, and has no size. */
    read_sys(strrchr(node, '/') + 1, "dev", found);
    strcpy(looked_at, marks);
    return strcmp(found, number) == 0 && marks_match(strrchr(node, '/') + 1, looked_at);
}

/* By a process of its own, because that waits for what is on the way to the device. */
static void start_failing(void)
{
    failing_kept = true;
    failing = fork();
    if (failing == 0) {
        sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
        /* The log may be on a file system that is frozen, and this mustn't wait for it. */
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        syscall(SYS_execveat, program, "", command, environ, AT_EMPTY_PATH);
        execv(command[0], command);
        _exit(127);
    }
}

/* By a process of its own too: others wait for answers, and it takes as long as there is something to write. */
static void start_flushing(int image)
{
    flushing = fork();
    if (flushing == 0) {
        sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
        syncfs(image);
        _exit(0);
    }
}

/* Whether an attempt to have it fail is over. */
static bool reap(void)
{
    int status;
    bool over = false;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
        flushed |= ended == flushing;
        if (ended != failing)
            continue; /* Or one that has said something. */
        bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (failing_kept)
            device_failed = done || !device_there();
        failing = -1;
        over = true;
    }
    return over;
}
