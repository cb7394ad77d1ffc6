/* Operations on the file's names, attributes and locks, and others who would use its blocks. */
#define _GNU_SOURCE
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/xattr.h>
#include <unistd.h>

static int act_rename(struct target *target) {
    return rename(target->path, target->other);
}

static int act_rename_over(struct target *target) {
    return rename(target->other, target->path);
}

static int act_rename_exchange(struct target *target) {
    return renameat2(AT_FDCWD, target->other, AT_FDCWD, target->path, RENAME_EXCHANGE);
}

static int act_unlink(struct target *target) {
    return unlink(target->path);
}

static int act_link(struct target *target) {
    return link(target->path, target->other);
}

static int act_setxattr(struct target *target) {
    return setxattr(target->path, "user.adversary", "x", 1, 0);
}

static int act_fsetxattr(struct target *target) {
    return fsetxattr(target->fd, "user.adversary", "x", 1, 0);
}

static int act_chmod(struct target *target) {
    return chmod(target->path, 0666);
}

static int act_fchmod(struct target *target) {
    return fchmod(target->fd, 0666);
}

static int act_chown(struct target *target) {
    return chown(target->path, 1, 1);
}

static int act_utimes(struct target *target) {
    struct timespec times[2] = {{1000, 0}, {1000, 0}};
    return utimensat(AT_FDCWD, target->path, times, 0);
}

static int act_futimens(struct target *target) {
    struct timespec times[2] = {{1000, 0}, {1000, 0}};
    return futimens(target->fd, times);
}

/* What makes a file swap space: include/linux/swap.h, union swap_header. */
static int write_swap_header(struct target *target) {
    int fd = open(target->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    unsigned char page[4096] = {0};
    uint32_t version = 1;
    uint32_t last_page = target->size / 4096 - 1;
    memcpy(page + 1024, &version, 4);
    memcpy(page + 1028, &last_page, 4);
    memcpy(page + 4086, "SWAPSPACE2", 10);
    int failed = pwrite(fd, page, sizeof(page), 0) != sizeof(page) || fsync(fd) < 0;
    close(fd);
    return failed ? -1 : 0;
}

static const char *swap_path;

static void swap_off(void) {
    swapoff(swap_path);
}

static int act_swapon(struct target *target) {
    /* While a disk is attached the header can't be written; swapon is refused earlier than it would be looked at. */
    write_swap_header(target);
    if (swapon(target->path, 0) < 0) {
        return -1;
    }
    swap_path = target->path;
    atexit(swap_off);
    return 0;
}

static int attach_loop(struct target *target, int flags) {
    int fd = open(target->path, flags | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    for (int attempt = 0; attempt < 20; attempt++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        char name[32];
        snprintf(name, sizeof(name), "/dev/loop%d", number);
        int loop = open(name, flags | O_CLOEXEC);
        struct loop_config config = {
            .fd = fd, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR | (flags == O_RDONLY ? LO_FLAGS_READ_ONLY : 0)}};
        if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
            close(fd);
            return loop;
        }
        if (errno != EBUSY) {
            return -1;
        }
        close(loop);
    }
    return -1;
}

static int act_loop_write(struct target *target) {
    int loop = attach_loop(target, O_RDWR);
    if (loop < 0) {
        return -1;
    }
    char block[4096];
    memset(block, 'L', sizeof(block));
    return pwrite(loop, block, sizeof(block), ACT_OFFSET) != sizeof(block) || fsync(loop) < 0 ? -1 : 0;
}

static int act_loop_read(struct target *target) {
    return attach_loop(target, O_RDONLY) < 0 ? -1 : 0;
}

static int set_flags(int fd, int set, int clear) {
    int flags;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) {
        return -1;
    }
    flags = (flags | set) & ~clear;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int act_clear_immutable(struct target *target) {
    int fd = open(target->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -1 : set_flags(fd, 0, FS_IMMUTABLE_FL);
}

static int act_clear_immutable_descriptor(struct target *target) {
    return set_flags(target->fd, 0, FS_IMMUTABLE_FL);
}

static int act_set_append_only(struct target *target) {
    return set_flags(target->fd, FS_APPEND_FL, 0);
}

static int act_set_journal_data(struct target *target) {
    return set_flags(target->fd, FS_JOURNAL_DATA_FL, 0);
}

/* Opens without O_NONBLOCK: breaks the lease, and waits until it is given up or its time is over. */
static int act_open_read_waiting(struct target *target) {
    return open(target->path, O_RDONLY | O_CLOEXEC) < 0 ? -1 : 0;
}

static int act_open_write_waiting(struct target *target) {
    return open(target->path, O_RDWR | O_CLOEXEC) < 0 ? -1 : 0;
}

static int act_take_lease(struct target *target) {
    return fcntl(target->fd, F_SETLEASE, F_RDLCK);
}

const struct operation name_operations[] = {
    {"rename", BY_PATH, 0, act_rename},
    {"rename-over", BY_PATH, 1, act_rename_over},
    {"rename-exchange", BY_PATH, 1, act_rename_exchange},
    {"unlink", BY_PATH, 0, act_unlink},
    {"link", BY_PATH, 0, act_link},
    {"setxattr", BY_PATH, 0, act_setxattr},
    {"fsetxattr", OPEN_READ, 0, act_fsetxattr},
    {"chmod", BY_PATH, 0, act_chmod},
    {"fchmod", OPEN_READ, 0, act_fchmod},
    {"chown", BY_PATH, 0, act_chown},
    {"utimes", BY_PATH, 0, act_utimes},
    {"futimens", OPEN_READ, 0, act_futimens},
    {"swapon", BY_PATH, 0, act_swapon},
    {"loop-write", BY_PATH, 0, act_loop_write},
    {"loop-read", BY_PATH, 0, act_loop_read},
    {"clear-immutable", BY_PATH, 0, act_clear_immutable},
    {"clear-immutable-descriptor", OPEN_READ, 0, act_clear_immutable_descriptor},
    {"set-append-only", OPEN_READ, 0, act_set_append_only},
    {"set-journal-data", OPEN_READ, 0, act_set_journal_data},
    {"open-read-waiting", BY_PATH, 0, act_open_read_waiting},
    {"open-write-waiting", BY_PATH, 0, act_open_write_waiting},
    {"take-lease", OPEN_READ, 0, act_take_lease},
    {0},
};
