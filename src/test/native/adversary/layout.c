/* Operations that put the file's bytes into other blocks, or share its blocks. */
#define _GNU_SOURCE
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* fs/ext4/ext4.h; not in the headers for users. */
struct move_extent {
    uint32_t reserved;
    uint32_t donor_fd;
    uint64_t orig_start;
    uint64_t donor_start;
    uint64_t len;
    uint64_t moved_len;
};
#define EXT4_IOC_MOVE_EXT _IOWR('f', 15, struct move_extent)
#define EXT4_IOC_SWAP_BOOT _IO('f', 17)

/* fs/xfs/libxfs/xfs_fs.h, which is in another package. */
struct bulk_time {
    long seconds;
    int32_t nanoseconds;
};
struct bulk_stat {
    uint64_t ino;
    uint16_t mode;
    uint16_t nlink;
    uint32_t uid, gid, rdev;
    int32_t blksize;
    int64_t size;
    struct bulk_time atime, mtime, ctime;
    int64_t blocks;
    uint32_t xflags;
    int32_t extsize;
    int32_t extents;
    uint32_t gen;
    uint16_t projid_lo, forkoff, projid_hi, sick, checked;
    unsigned char pad[2];
    uint32_t cowextsize;
    uint32_t dmevmask;
    uint16_t dmstate;
    uint16_t aextents;
};
struct swap_extents {
    int64_t version;
    int64_t target_fd;
    int64_t temporary_fd;
    int64_t offset;
    int64_t length;
    char pad[16];
    struct bulk_stat stat;
};
#define XFS_IOC_SWAPEXT _IOWR('X', 109, struct swap_extents)

struct exchange_range {
    int32_t file1_fd;
    uint32_t pad;
    uint64_t file1_offset;
    uint64_t file2_offset;
    uint64_t length;
    uint64_t flags;
};
#define XFS_IOC_EXCHANGE_RANGE _IOW('X', 129, struct exchange_range)

/* include/uapi/linux/btrfs.h */
#define BTRFS_IOC_DEFRAG _IOW(0x94, 2, char[4096])

static int act_truncate_shrink(struct target *target) {
    return ftruncate(target->fd, target->size - act_length);
}

static int act_truncate_grow(struct target *target) {
    return ftruncate(target->fd, target->size + act_length);
}

/* By a descriptor that couldn't do it. */
static int act_truncate_reopened(struct target *target) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", target->fd);
    int fd = open(path, O_RDWR | nonblock | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int result = ftruncate(fd, target->size - act_length);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static int act_truncate_path(struct target *target) {
    return truncate(target->path, target->size - act_length);
}

static int act_allocate(struct target *target) {
    return fallocate(target->fd, 0, target->size, act_length);
}

static int act_allocate_keep_size(struct target *target) {
    return fallocate(target->fd, FALLOC_FL_KEEP_SIZE, target->size, act_length);
}

static int act_punch(struct target *target) {
    return fallocate(target->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, ACT_OFFSET, act_length);
}

static int act_zero_range(struct target *target) {
    return fallocate(target->fd, FALLOC_FL_ZERO_RANGE, ACT_OFFSET, act_length);
}

static int act_collapse(struct target *target) {
    return fallocate(target->fd, FALLOC_FL_COLLAPSE_RANGE, ACT_OFFSET, act_length);
}

static int act_insert(struct target *target) {
    return fallocate(target->fd, FALLOC_FL_INSERT_RANGE, ACT_OFFSET, act_length);
}


static int act_madvise_remove(struct target *target) {
    return madvise(target->map + ACT_OFFSET, act_length, MADV_REMOVE);
}

static int act_clone_source(struct target *target) {
    return ioctl(target->other_fd, FICLONE, target->fd);
}

static int act_clone_destination(struct target *target) {
    struct file_clone_range range = {
        .src_fd = target->other_fd, .src_offset = 0, .src_length = act_length, .dest_offset = ACT_OFFSET};
    return ioctl(target->fd, FICLONERANGE, &range);
}

static int copy_range(int from, off_t from_offset, int to, off_t to_offset) {
    size_t left = act_length;
    while (left > 0) {
        ssize_t count = copy_file_range(from, &from_offset, to, &to_offset, left, 0);
        if (count <= 0) {
            return -1;
        }
        left -= count;
    }
    return fsync(to);
}

static int act_copy_source(struct target *target) {
    return copy_range(target->fd, ACT_OFFSET, target->other_fd, ACT_OFFSET);
}

static int act_copy_destination(struct target *target) {
    return copy_range(target->other_fd, ACT_OFFSET, target->fd, ACT_OFFSET);
}

/* Makes the range equal first, in the file that isn't the target: only equal ranges are shared. */
static int dedupe(struct target *target, int from, int to) {
    char *bytes = malloc(act_length);
    if (pread(target->fd, bytes, act_length, ACT_OFFSET) != act_length
            || pwrite(target->other_fd, bytes, act_length, ACT_OFFSET) != act_length || fsync(target->other_fd) < 0) {
        return -1;
    }
    free(bytes);
    struct file_dedupe_range *range = calloc(1, sizeof(*range) + sizeof(struct file_dedupe_range_info));
    range->src_offset = ACT_OFFSET;
    range->src_length = act_length;
    range->dest_count = 1;
    range->info[0].dest_fd = to;
    range->info[0].dest_offset = ACT_OFFSET;
    if (ioctl(from, FIDEDUPERANGE, range) < 0) {
        return -1;
    }
    if (range->info[0].status != FILE_DEDUPE_RANGE_SAME) {
        errno = range->info[0].status < 0 ? -range->info[0].status : EILSEQ;
        return -1;
    }
    return 0;
}

static int act_dedupe_source(struct target *target) {
    return dedupe(target, target->fd, target->other_fd);
}

static int act_dedupe_destination(struct target *target) {
    return dedupe(target, target->other_fd, target->fd);
}

static int move_extents(int original, int donor) {
    struct move_extent move = {
        .donor_fd = donor,
        .orig_start = ACT_OFFSET / 4096,
        .donor_start = ACT_OFFSET / 4096,
        .len = act_length / 4096};
    /* An error after some have moved: they have. */
    if (ioctl(original, EXT4_IOC_MOVE_EXT, &move) < 0 && move.moved_len == 0) {
        return -1;
    }
    if (move.moved_len == 0) {
        errno = ENODATA;
        return -1;
    }
    return 0;
}

static int act_move_original(struct target *target) {
    return move_extents(target->fd, target->other_fd);
}

static int act_move_donor(struct target *target) {
    return move_extents(target->other_fd, target->fd);
}

static int act_swap_boot(struct target *target) {
    return ioctl(target->fd, EXT4_IOC_SWAP_BOOT);
}

static int swap_extents(int file, int temporary) {
    struct stat status;
    if (fstat(file, &status) < 0) {
        return -1;
    }
    struct swap_extents swap = {.target_fd = file, .temporary_fd = temporary, .length = status.st_size};
    /* The kernel compares these two times, to see that the file hasn't changed since. */
    swap.stat.mtime.seconds = status.st_mtim.tv_sec;
    swap.stat.mtime.nanoseconds = status.st_mtim.tv_nsec;
    swap.stat.ctime.seconds = status.st_ctim.tv_sec;
    swap.stat.ctime.nanoseconds = status.st_ctim.tv_nsec;
    return ioctl(file, XFS_IOC_SWAPEXT, &swap);
}

static int act_swap_target(struct target *target) {
    return swap_extents(target->fd, target->other_fd);
}

/* The other file is in pieces first: the kernel swaps with a file of fewer extents only, and the target may have several. */
static int act_swap_temporary(struct target *target) {
    for (off_t at = 0; at < target->size; at += target->size / 8) {
        if (fallocate(target->other_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, 4096) < 0) {
            return -1;
        }
    }
    return swap_extents(target->other_fd, target->fd);
}

static int exchange(int first, int second) {
    struct exchange_range range = {
        .file1_fd = first, .file1_offset = ACT_OFFSET, .file2_offset = ACT_OFFSET, .length = act_length};
    return ioctl(second, XFS_IOC_EXCHANGE_RANGE, &range);
}

static int act_exchange_first(struct target *target) {
    return exchange(target->fd, target->other_fd);
}

static int act_exchange_second(struct target *target) {
    return exchange(target->other_fd, target->fd);
}

static int act_btrfs_defragment(struct target *target) {
    return ioctl(target->fd, BTRFS_IOC_DEFRAG, NULL) < 0 || fsync(target->fd) < 0 ? -1 : 0;
}

const struct operation layout_operations[] = {
    {"ftruncate-shrink", OPEN_WRITE, 0, act_truncate_shrink},
    {"ftruncate-grow", OPEN_WRITE, 0, act_truncate_grow},
    {"ftruncate-reopened-path", OPEN_PATH, 0, act_truncate_reopened},
    {"ftruncate-reopened-reader", OPEN_READ, 0, act_truncate_reopened},
    {"truncate-path", BY_PATH, 0, act_truncate_path},
    {"allocate", OPEN_WRITE, 0, act_allocate},
    {"allocate-keep-size", OPEN_WRITE, 0, act_allocate_keep_size},
    {"punch-hole", OPEN_WRITE, 0, act_punch},
    {"zero-range", OPEN_WRITE, 0, act_zero_range},
    {"collapse-range", OPEN_WRITE, 0, act_collapse},
    {"insert-range", OPEN_WRITE, 0, act_insert},
    {"madvise-remove", MAP, 0, act_madvise_remove},
    {"clone-source", OPEN_READ, 1, act_clone_source},
    {"clone-destination", OPEN_WRITE, 1, act_clone_destination},
    {"copy-range-source", OPEN_READ, 1, act_copy_source},
    {"copy-range-destination", OPEN_WRITE, 1, act_copy_destination},
    {"dedupe-source", OPEN_READ, 1, act_dedupe_source},
    {"dedupe-destination", OPEN_READ, 1, act_dedupe_destination},
    {"move-extents-original", OPEN_WRITE, 1, act_move_original},
    {"move-extents-donor", OPEN_WRITE, 1, act_move_donor},
    {"swap-boot", OPEN_WRITE, 0, act_swap_boot},
    {"swap-extents-target", OPEN_WRITE, 1, act_swap_target},
    {"swap-extents-temporary", OPEN_WRITE, 1, act_swap_temporary},
    {"exchange-range-first", OPEN_WRITE, 1, act_exchange_first},
    {"exchange-range-second", OPEN_WRITE, 1, act_exchange_second},
    {"btrfs-defragment", OPEN_WRITE, 0, act_btrfs_defragment},
    {0},
};
