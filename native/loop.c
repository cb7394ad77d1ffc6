/*
 * vnd-loop: vnd-loop FILE OFFSET SIZE BLOCK rw|ro LABEL NAMES
 *           vnd-loop fail NODE NUMBER MARKS
 *
 * Makes a loop device, loop(4), of a part of FILE and keeps it for as long as its standard input is open. A process of its
 * own, because FILE may be served by the one who starts us: its first reads, and the last writes when it is closed, then wait
 * for that process, and a thread that waited in there would keep its own process from ending when it is killed.
 *
 * Says "ready loopN" or "error WHY". Of the lines of its input it answers "remove" with "gone" and ends, or with "busy" and
 * goes on; "fail" with "failed", after which every request to the device fails; "direct", by which direct I/O is switched on
 * again, with the same; and "kept", which says that others know of the device and will see to it, with the same. At the end of its
 * input it gives the device up: the kernel takes it away when nobody else has it open. Before that it has it fail, if it wasn't
 * kept; and it removes the names that lead to it and are listed in NAMES, since the device may be somebody else's at once; it adds
 * the node there that it makes.
 *
 * The second form has a device fail whose program was killed, while others still use it: exit status 0 if it did. NUMBER and
 * MARKS say which device is meant, as in NAMES.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "names.h"

/* Others take free loop devices too; whoever loses asks for the next. */
enum { ATTEMPTS = 64 };
/* The kernel refuses at times, while it empties the device's cache. */
enum { FAIL_RETRY_MICROS = 10000 };

static const unsigned long long FAR = 1ULL << 62;

static int error(const char *what)
{
    printf("error %s: %s\n", what, strerror(errno));
    return 1;
}

/* How long the list was before the last node was added; -1 if none was. */
static off_t list_size = -1;

/* Makes the node, where nobody else does, as in a container; it is listed before. */
static void make_node(const char *node, const char *number, const char *list)
{
    unsigned major, minor;
    int names = open(list, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    list_size = names < 0 ? -1 : lseek(names, 0, SEEK_END);
    bool listed = names >= 0 && dprintf(names, "node\t%s\t%s\t\n", node, number) > 0;
    if (names >= 0)
        close(names);
    if (listed && sscanf(number, "%u:%u", &major, &minor) == 2)
        mknod(node, S_IFBLK | 0660, makedev(major, minor));
}

/* The last node that was added is of a device that another was quicker to take: it leads to that rightly. */
static void leave_node(const char *list)
{
    if (list_size >= 0 && truncate(list, list_size) != 0)
        perror(list); /* Whoever removes names sees that it is another's. */
    list_size = -1;
}

/* Opens /dev/loopN, if that has the number that the kernel says; what has another, from another time, is replaced. */
static int open_loop(const char *name, int flags, const char *list)
{
    static char node[64], number[NAME_SIZE];
    struct stat status;
    unsigned major = 0, minor = 0;
    snprintf(node, sizeof node, "/dev/%s", name);
    read_sys(name, "dev", number);
    bool known = sscanf(number, "%u:%u", &major, &minor) == 2, there = lstat(node, &status) == 0;
    if (known && there && S_ISBLK(status.st_mode) && status.st_rdev != makedev(major, minor))
        there = unlink(node) != 0;
    if (known && !there)
        make_node(node, number, list);
    int fd = open(node, flags | O_CLOEXEC);
    if (fd >= 0 && known && (fstat(fd, &status) != 0 || status.st_rdev != makedev(major, minor))) {
        close(fd);
        errno = ENXIO;
        return -1;
    }
    return fd;
}

static bool bound(int loop, struct loop_info64 *info)
{
    return ioctl(loop, LOOP_GET_STATUS64, info) == 0;
}

/* The descriptor of a loop device that was set up, and its name; or -1, and the reason was said. */
static int set_up(const struct loop_config *config, bool read_only, char *name, size_t name_size, const char *list)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) {
        if (errno == ENOENT && access("/sys/class/misc/loop-control", F_OK) == 0)
            printf("error there is no /dev/loop-control here, although the kernel has loop devices"
                   " (mknod /dev/loop-control c 10 237, or give the container that device)\n");
        else if (errno == ENOENT || errno == ENODEV)
            printf("error the kernel has no loop devices (modprobe loop)\n");
        else
            error("no permission for /dev/loop-control");
        return -1;
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        *name = '\0';
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) {
            error("no loop device is free (losetup -l lists them)");
            return -1;
        }
        snprintf(name, name_size, "loop%d", number);
        int loop = open_loop(name, read_only ? O_RDONLY : O_RDWR, list);
        if (loop < 0) {
            error(name);
            return -1;
        }
        if (ioctl(loop, LOOP_CONFIGURE, config) == 0)
            return loop;
        if (errno != EBUSY) {
            error("LOOP_CONFIGURE");
            return -1;
        }
        close(loop);
        leave_node(list);
    }
    printf("error no loop device is free: others took them all\n");
    return -1;
}

/* Whether it is still the device that was set up as ours: on older kernels another may have it as soon as it is cleared. */
static bool is_still(int loop, const struct loop_info64 *ours)
{
    struct loop_info64 now;
    return bound(loop, &now) && now.lo_device == ours->lo_device && now.lo_inode == ours->lo_inode &&
           now.lo_sizelimit == ours->lo_sizelimit &&
           memcmp(now.lo_file_name, ours->lo_file_name, LO_NAME_SIZE) == 0;
}

/* Others may have switched it off: then there is data in the cache of what is below, which would be written there at any time. */
static bool make_direct(int loop, const struct loop_info64 *now)
{
    if ((now->lo_flags & LO_FLAGS_DIRECT_IO) != 0)
        return true;
    /* The kernel writes that back before it switches, and what comes in between afterwards. */
    return ioctl(loop, LOOP_SET_DIRECT_IO, 1UL) == 0 && fsync(loop) == 0;
}

/* Beyond the end of whatever is below: no size for the disk, an error for its partitions. */
static bool fail(int loop)
{
    struct loop_info64 now;
    bool is_bound = bound(loop, &now);
    now.lo_offset = FAR;
    if (!is_bound || ioctl(loop, LOOP_SET_STATUS64, &now) != 0)
        return false;
    /* What was written while direct I/O was off, if ever, is in the cache of what is below: the driver has it written back. */
    if (fsync(loop) != 0)
        perror("fsync of a loop device that has failed");
    return true;
}

/* Where the node is missing, as it may be in a container, by one for a moment. */
static int open_number(const char *node, dev_t number)
{
    static char own[64];
    int loop = open(node, O_RDONLY | O_CLOEXEC);
    if (loop >= 0 || errno != ENOENT)
        return loop;
    snprintf(own, sizeof own, "/dev/.vnd-loop-%d", (int)getpid());
    if (mknod(own, S_IFBLK | 0600, number) != 0)
        return -1;
    loop = open(own, O_RDONLY | O_CLOEXEC);
    unlink(own);
    return loop;
}

/* Looked at when it is open: then it can't become another's any more. */
static int fail_other(const char *node, const char *number, char *marks)
{
    static char line[NAME_SIZE];
    struct stat status;
    unsigned major, minor;
    if (sscanf(number, "%u:%u", &major, &minor) != 2)
        return 1;
    int loop = open_number(node, makedev(major, minor));
    if (loop < 0 || fstat(loop, &status) != 0 || status.st_rdev != makedev(major, minor) || *marks == '\0' || strrchr(node, '/') == NULL)
        return 1;
    read_sys(strrchr(node, '/') + 1, "dev", line);
    if (strcmp(line, number) != 0 || is_anothers(node, number, marks))
        return 1;
    if (fail(loop))
        return 0;
    perror(node);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "fail") == 0)
        return fail_other(argv[2], argv[3], argv[4]);
    if (argc != 8)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    /* The daemon decides when the disk ends, also when a terminal's ^C reaches us both. */
    for (const int *ignored = (const int[]){SIGINT, SIGHUP, SIGTERM, 0}; *ignored != 0;)
        signal(*ignored++, SIG_IGN);
    bool read_only = strcmp(argv[5], "ro") == 0;
    struct loop_config config = {.block_size = (unsigned)atoi(argv[4])};
    struct loop_info64 *info = &config.info, now;
    int file = open(argv[1], (read_only ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
    if (file < 0)
        return error(argv[6]);
    config.fd = (unsigned)file;
    info->lo_offset = strtoull(argv[2], NULL, 10);
    info->lo_sizelimit = strtoull(argv[3], NULL, 10);
    info->lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO |
                     (read_only ? LO_FLAGS_READ_ONLY : 0);
    memcpy(info->lo_file_name, argv[6], strnlen(argv[6], LO_NAME_SIZE - 1));

    char name[32], line[32];
    int loop = set_up(&config, read_only, name, sizeof name, argv[7]);
    close(file); /* The kernel has it now. */
    if (loop < 0) {
        if (*name != '\0')
            remove_names(argv[7], name);
        return 1;
    }
    /* It may have been switched off without a word: where the offset isn't aligned to what is below. */
    if (!bound(loop, &now) || (now.lo_flags & LO_FLAGS_DIRECT_IO) == 0) {
        printf("error the loop driver does no direct I/O there\n");
        ioctl(loop, LOOP_CLR_FD, 0);
        close(loop);
        remove_names(argv[7], name);
        return 1;
    }
    printf("ready %s\n", name);
    bool kept = false;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "kept\n") == 0) {
            kept = true;
            printf("kept\n");
            continue;
        }
        if (strcmp(line, "direct\n") == 0) {
            struct loop_info64 as_it_is;
            if (bound(loop, &as_it_is) && make_direct(loop, &as_it_is))
                printf("direct\n");
            else
                error("LOOP_SET_DIRECT_IO");
            continue;
        }
        if (strcmp(line, "fail\n") == 0) {
            if (fail(loop))
                printf("failed\n");
            else
                error("LOOP_SET_STATUS64");
            continue;
        }
        /* With other users the kernel says yes too, and clears it when the last of them has closed it. */
        if (ioctl(loop, LOOP_CLR_FD, 0) != 0 && errno != ENXIO) {
            error("LOOP_CLR_FD");
        } else if (is_still(loop, &now)) {
            printf("busy\n");
        } else {
            close(loop);
            printf("gone\n");
            return 0;
        }
    }
    while (!kept && !fail(loop) && is_still(loop, &now))
        usleep(FAIL_RETRY_MICROS);
    remove_names(argv[7], name);
    if (is_still(loop, &now)) {
        struct loop_info64 last;
        if (bound(loop, &last))
            make_direct(loop, &last);
        /* If others have taken "autoclear" from it, it would stay without any user. */
        ioctl(loop, LOOP_CLR_FD, 0);
    }
    return 0;
}
