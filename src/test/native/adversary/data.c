/* Operations that put other bytes into the file. */
#define _GNU_SOURCE
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* Writes through fd, direct if that is how it was opened, and syncs: a write that never arrives proves nothing. */
static int write_to(int fd, off_t offset) {
    void *block;
    if (posix_memalign(&block, 4096, 4096)) {
        return -1;
    }
    memset(block, 'A', 4096);
    int failed = pwrite(fd, block, 4096, offset) != 4096 || fsync(fd) < 0;
    free(block);
    return failed ? -1 : 0;
}

static int act_pwrite(struct target *target) {
    return write_to(target->fd, ACT_OFFSET);
}

static int act_append(struct target *target) {
    static char block[4096];
    memset(block, 'A', sizeof(block));
    return write(target->fd, block, sizeof(block)) != sizeof(block) || fsync(target->fd) < 0 ? -1 : 0;
}

static int act_sendfile(struct target *target) {
    off_t from = 0;
    if (lseek(target->fd, ACT_OFFSET, SEEK_SET) < 0) {
        return -1;
    }
    return sendfile(target->fd, target->other_fd, &from, act_length) < 0 || fsync(target->fd) < 0 ? -1 : 0;
}

static int act_in_flight(struct target *target) {
    target->fd = receive_descriptor();
    return target->fd < 0 ? -1 : write_to(target->fd, ACT_OFFSET);
}

static int act_store(struct target *target) {
    memset(target->map + ACT_OFFSET, 'S', 4096);
    return msync(target->map + ACT_OFFSET, 4096, MS_SYNC);
}

static int act_write_back(struct target *target) {
    return msync(target->map + ACT_OFFSET, 4096, MS_SYNC);
}

static int act_reopen(struct target *target) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", target->fd);
    int fd = open(path, O_RDWR | nonblock | O_CLOEXEC);
    return fd < 0 ? -1 : write_to(fd, ACT_OFFSET);
}

/* To have read it was all. */
static int act_read(struct target *target) {
    return target->map == NULL ? -1 : 0;
}

static int act_open_write(struct target *target) {
    int fd = open(target->path, O_RDWR | nonblock | O_CLOEXEC);
    return fd < 0 ? -1 : write_to(fd, ACT_OFFSET);
}

static int act_open_truncate(struct target *target) {
    return open(target->path, O_WRONLY | O_TRUNC | nonblock | O_CLOEXEC) < 0 ? -1 : 0;
}

static int act_open_handle(struct target *target) {
    struct file_handle *handle = calloc(1, sizeof(*handle) + MAX_HANDLE_SZ);
    handle->handle_bytes = MAX_HANDLE_SZ;
    int mount_id;
    if (name_to_handle_at(AT_FDCWD, target->path, handle, &mount_id, 0) < 0) {
        return -1;
    }
    char directory[4096];
    strcpy(directory, target->path);
    *strrchr(directory, '/') = 0;
    int mount = open(directory, O_RDONLY | O_CLOEXEC);
    int fd = open_by_handle_at(mount, handle, O_RDWR | nonblock | O_CLOEXEC);
    return fd < 0 ? -1 : write_to(fd, ACT_OFFSET);
}

const struct operation data_operations[] = {
    {"pwrite", OPEN_WRITE, 0, act_pwrite},
    {"pwrite-direct", OPEN_DIRECT, 0, act_pwrite},
    {"append", OPEN_APPEND, 0, act_append},
    {"sendfile", OPEN_WRITE, 1, act_sendfile},
    {"pwrite-in-flight", IN_FLIGHT, 0, act_in_flight},
    {"store-mapping", MAP, 0, act_store},
    {"store-closed-mapping", MAP_CLOSED, 0, act_store},
    {"dirty-page", MAP_DIRTY, 0, act_write_back},
    {"reopen-proc", OPEN_READ, 0, act_reopen},
    {"read-mapping", MAP_READ, 0, act_read},
    {"open-write", BY_PATH, 0, act_open_write},
    {"open-truncate", BY_PATH, 0, act_open_truncate},
    {"open-by-handle", BY_PATH, 0, act_open_handle},
    {0},
};
