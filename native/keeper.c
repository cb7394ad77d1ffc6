/*
 * vnd-keeper: the parent of one disk's daemon.
 *
 *   vnd-keeper --state DIR [--unit vndN | --first-unit vndN] [--max-units N] [--foreground] [--listen-stdin]
 *              -- COMMAND ARGS...
 *
 * It takes a unit (a lock and a folder), gives the daemon every protection the kernel grants before
 * any of its threads exists, starts it, and cleans up after it. C, because this happens between
 * fork and exec; small, because it must outlive whatever happens to the daemon.
 *
 * The daemon gets --unit vndN --unit-directory DIR/vndN --report-fd 3 [--listen-fd 4]; fd 3 is the
 * report pipe (our standard output), 4 the listening socket (our standard input), 5 the unit's
 * lock, which it keeps when we are killed; VND_UNPROTECTED names the protections it has to do
 * without. Its exit status 0 says that nothing is left behind; 2 that something is, of it or of the
 * unit's last disk, which was reported; anything else is a crash. But for 0 the folder stays for
 * the recovery.
 *
 * A unit that isn't named is the first free one from --first-unit (vnd0) on, below number
 * --max-units (64).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ending.h"
#include "keeper_protection.h"
#include "names.h"
#include "unit_number.h"

enum { REPORT_FD = 3, LISTEN_FD = 4, LOCK_FD = 5, FIRST_OWN_FD = 10 };
/* The daemon's exit status when there is something left behind, of which it has told the one who waits. */
enum { REPORTED = 2 };
/* A listing has a unit's lock for microseconds; who has it for a second has taken the unit. */
enum { LOCK_ATTEMPTS = 1000, LOCK_RETRY_MICROS = 1000 };

static int report_fd = STDERR_FILENO;
/* What fail() lets go of: the unit, once its lock is ours, and its folder, if we made that. */
static int state = -1;
static char unit[32], lock_name[64];
static bool lock_ours, folder_made;

static void let_go(void);

/* Tells the one who waits at the report pipe, lets go of the unit, and ends. */
__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    dprintf(report_fd, "error ");
    vdprintf(report_fd, format, arguments);
    dprintf(report_fd, "\n");
    va_end(arguments);
    let_go();
    exit(1);
}

/* The state folder, made if it isn't there. Nobody else may be able to put units into it. */
static int open_state(const char *path)
{
    mode_t mode = geteuid() == 0 ? 0755 : 0700;
    umask(0777 & ~mode);
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        fail("%s: the state folder can't be made: %s (VND_STATE names another)", path, strerror(errno));
    umask(077);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        fail("%s: the state folder can't be opened: %s", path, strerror(errno));
    if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
        fail("%s: the state folder isn't ours, or others can write to it", path);
    return fd;
}

/*
 * Locks the file for the life of the disk; -1 and EBUSY if another disk has it. Its last owner
 * unlinks the file while holding the lock, so the path must still lead to what was locked.
 */
static int lock_unit(void)
{
    for (int attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
        int fd = openat(state, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        struct stat locked, named;
        struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_OFD_SETLK, &holder) == 0) {
            if (fstat(fd, &locked) == 0 && fstatat(state, lock_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                locked.st_ino == named.st_ino && locked.st_dev == named.st_dev)
                return fd;
        } else if (errno != EAGAIN && errno != EACCES) {
            return -1;
        } else if (fcntl(fd, F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK &&
                   holder.l_pid == -1) {
            break; /* An OFD lock shows as pid -1: a keeper's, or its daemon's. */
        } else {
            usleep(LOCK_RETRY_MICROS); /* A POSIX lock: a vndconfig that looks at the unit. */
        }
        close(fd);
    }
    errno = EBUSY;
    return -1;
}

/*
 * Removes the unit's flat folder; after a crash only the names of its node, soon another's. Nothing is unmounted but the file
 * system of a dead daemon, where a daemon mounts one: "." and ".." of a folder lead to what it and its parent are on.
 */
static void remove_folder(bool orderly)
{
    int fd = openat(state, unit, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s.fuse", fd, unit);
    if (folder != NULL)
        umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (orderly || strncmp(entry->d_name, unit, strlen(unit)) == 0)
            if (unlinkat(fd, entry->d_name, 0) != 0)
                unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    if (folder != NULL)
        closedir(folder);
    unlinkat(state, unit, AT_REMOVEDIR); /* Unless something stays in it. */
}

/* Nothing has been started. A folder that was there before may have what a crash has left. */
static void let_go(void)
{
    if (folder_made)
        remove_folder(true);
    if (lock_ours)
        unlinkat(state, lock_name, 0);
}

static void copy_fd(int from, int to)
{
    if (from < 0 || dup2(from, to) < 0)
        fail("file descriptor %d can't be set up: %s", to, strerror(errno));
}

static int moved_up(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OWN_FD);
    if (moved < 0)
        fail("file descriptor %d can't be moved: %s", fd, strerror(errno));
    return moved;
}

__attribute__((noreturn)) static void become_daemon(char **command, int listen_fd, int lock_fd)
{
    bool untouched = folder_made; /* No crash has left anything in the folder. */
    lock_ours = folder_made = false; /* The parent lets go. */
    copy_fd(report_fd, REPORT_FD);
    copy_fd(lock_fd, LOCK_FD);
    if (listen_fd >= 0)
        copy_fd(listen_fd, LISTEN_FD);
    sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
    signal(SIGPIPE, SIG_DFL);
    execv(command[0], command);
    dprintf(REPORT_FD, "error %s: can't be started: %s\n", command[0], strerror(errno));
    _exit(untouched ? 0 : REPORTED);
}

/* Waits for the end of the daemon and hands signals on to it. Returns its wait status. */
static int watch(pid_t daemon, const sigset_t *signals)
{
    for (;;) {
        siginfo_t info;
        int status;
        if (sigwaitinfo(signals, &info) < 0)
            continue;
        told = told || info.si_signo != SIGCHLD;
        /* What comes from the terminal (si_code > 0), the daemon got as well. */
        if (info.si_signo != SIGCHLD && info.si_code <= 0)
            kill(daemon, info.si_signo);
        if (waitpid(daemon, &status, WNOHANG) == daemon)
            return status;
    }
}

int main(int argc, char **argv)
{
    open_standard_descriptors();
    shorten_environment();
    const char *state_path = "";
    int first = 0, limit = 64, next = 1;
    bool named = false, foreground = false, listen_stdin = false;
    for (; next < argc && strcmp(argv[next], "--") != 0; next++) {
        const char *value = next + 1 < argc ? argv[next + 1] : "";
        if (strcmp(argv[next], "--foreground") == 0)
            foreground = true;
        else if (strcmp(argv[next], "--listen-stdin") == 0)
            listen_stdin = true;
        else if (strcmp(argv[next], "--state") == 0 && value[0] == '/')
            state_path = argv[++next];
        else if (strcmp(argv[next], "--unit") == 0 && (first = unit_number(value)) >= 0)
            named = true, limit = first + 1, next++;
        else if (strcmp(argv[next], "--first-unit") == 0 && (first = unit_number(value)) >= 0)
            next++;
        else if (strcmp(argv[next], "--max-units") == 0 && (limit = number(value)) > 0)
            next++;
        else
            fail("vnd-keeper: %s: not understood", argv[next]);
    }
    if (*state_path == '\0' || next + 1 >= argc)
        fail("vnd-keeper: --state or the command is missing");

    /* Only what is meant for the daemon may be open in it. (An old kernel can't; go on.) */
    close_range(REPORT_FD, ~0U, CLOSE_RANGE_CLOEXEC);
    report_fd = moved_up(STDOUT_FILENO);
    int listen_fd = listen_stdin ? moved_up(STDIN_FILENO) : -1;
    sigset_t signals;
    sigemptyset(&signals);
    for (const int *handled = (const int[]){SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0}; *handled != 0;)
        sigaddset(&signals, *handled++);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);

    state = open_state(state_path);
    int lock = -1;
    char log[64], folder[4096];
    for (int candidate = first; lock < 0 && candidate < limit; candidate++) {
        snprintf(unit, sizeof unit, "vnd%d", candidate);
        snprintf(lock_name, sizeof lock_name, "%s.lock", unit);
        if ((lock = lock_unit()) < 0 && errno != EBUSY)
            fail("%s/%s: can't be locked: %s", state_path, lock_name, strerror(errno));
    }
    if (lock < 0)
        fail(named ? "vnd%d: VNDIOCSET: Device busy"
                   : "every unit up to vnd%d is in use: detach one, or name a higher one", limit - 1);
    lock_ours = true;
    int lock_fd = moved_up(lock);
    close(lock);

    /* The folder of a disk that crashed is taken over: the daemon recovers from what is in it. */
    struct stat status;
    if ((size_t)snprintf(folder, sizeof folder, "%s/%s", state_path, unit) >= sizeof folder)
        fail("%s: the path of the state folder is too long", state_path);
    folder_made = mkdir(folder, 0700) == 0;
    if ((!folder_made && errno != EEXIST) || lstat(folder, &status) != 0)
        fail("%s: the unit's folder can't be made: %s", folder, strerror(errno));
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        fail("%s: isn't a folder of ours alone; remove it", folder);
    dprintf(report_fd, "unit %s\n", unit);

    copy_fd(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    if (!foreground) {
        snprintf(log, sizeof log, "%s/log", unit);
        int log_fd = openat(state, log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (log_fd < 0)
            fail("%s/%s: the log can't be opened: %s", state_path, log, strerror(errno));
        copy_fd(log_fd, STDERR_FILENO);
        setsid(); /* Fails only where a shell started us as the leader of a group. */
    }
    copy_fd(STDERR_FILENO, STDOUT_FILENO);
    if (!protect())
        fail("vnd-keeper: no memory");

    size_t given = (size_t)(argc - next - 1);
    char *more[] = {"--unit", unit, "--unit-directory", folder, "--report-fd", "3", "--listen-fd", "4"};
    char *command[given + 9]; /* argv fitted on the stack, so this does. */
    memset(command, 0, sizeof command);
    memcpy(command, argv + next + 1, given * sizeof *command);
    memcpy(command + given, more, (listen_fd < 0 ? 6 : 8) * sizeof *command);

    pid_t daemon = fork();
    if (daemon == 0)
        become_daemon(command, listen_fd, lock_fd);
    if (daemon < 0)
        fail("vnd-keeper: fork: %s", strerror(errno));
    close(report_fd); /* So that the end of the daemon is the end of the pipe. */
    int end = watch(daemon, &signals);
    bool orderly = (WIFEXITED(end) && WEXITSTATUS(end) == 0) || told_too_early(end, state, unit);
    snprintf(folder, sizeof folder, "/proc/self/fd/%d/%s/names", state, unit);
    remove_names(folder, NULL);
    remove_folder(orderly);
    if (!orderly && !(WIFEXITED(end) && WEXITSTATUS(end) == REPORTED))
        tell_end(end);
    unlinkat(state, lock_name, 0);
    return orderly ? 0 : 1;
}
