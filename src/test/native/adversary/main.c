#define _GNU_SOURCE
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int sockets[2];

static int send_descriptor(int fd) {
    char byte = 0;
    struct iovec data = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
        return -1;
    }
    return sendmsg(sockets[0], &message, 0) < 0 ? -1 : 0;
}

int receive_descriptor(void) {
    char byte;
    int fd;
    struct iovec data = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    if (recvmsg(sockets[1], &message, 0) < 0) {
        return -1;
    }
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return fd;
}

int nonblock = O_NONBLOCK;
off_t act_length = 1 << 16;

static int open_flags(enum preparation preparation) {
    switch (preparation) {
    case OPEN_READ:
    case MAP_READ:
        return O_RDONLY;
    case OPEN_PATH:
        return O_PATH;
    case OPEN_APPEND:
        return O_RDWR | O_APPEND;
    case OPEN_DIRECT:
        return O_RDWR | O_DIRECT;
    default:
        return O_RDWR;
    }
}

static int prepare(struct target *target, enum preparation preparation) {
    if (preparation == BY_PATH) {
        return 0;
    }
    target->fd = open(target->path, open_flags(preparation) | nonblock | O_CLOEXEC);
    if (target->fd < 0) {
        return -1;
    }
    if (preparation == IN_FLIGHT) {
        if (send_descriptor(target->fd) < 0) {
            return -1;
        }
        close(target->fd);
        target->fd = -1;
    }
    if (preparation >= MAP && preparation <= MAP_DIRTY) {
        target->map = mmap(NULL, target->size, PROT_READ | PROT_WRITE, MAP_SHARED, target->fd, 0);
        if (target->map == MAP_FAILED) {
            return -1;
        }
        volatile unsigned char *bytes = target->map;
        (void)bytes[ACT_OFFSET];
        if (preparation == MAP_CLOSED) {
            close(target->fd);
            target->fd = -1;
        }
        if (preparation == MAP_DIRTY) {
            memset(target->map + ACT_OFFSET, 'D', 4096);
        }
    }
    if (preparation == MAP_READ) {
        target->map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, target->fd, 0);
        if (target->map == MAP_FAILED) {
            return -1;
        }
        (void)*(volatile unsigned char *)target->map;
    }
    return 0;
}

/* A second file of the same size in the same directory, all written, for those that move or share blocks. */
static void make_other(struct target *target) {
    char *block = malloc(MEBIBYTE);
    memset(block, 'O', MEBIBYTE);
    target->other_fd = open(target->other, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    /* In as few extents as can be had: XFS swaps with a file of fewer extents only. */
    if (fallocate(target->other_fd, 0, 0, target->size) < 0) {
        perror(target->other);
        exit(2);
    }
    for (off_t at = 0; at < target->size; at += MEBIBYTE) {
        size_t length = target->size - at < MEBIBYTE ? target->size - at : MEBIBYTE;
        if (pwrite(target->other_fd, block, length, at) != (ssize_t)length) {
            perror(target->other);
            exit(2);
        }
    }
    fsync(target->other_fd);
    free(block);
}

static const struct operation *find(const char *name) {
    const struct operation *tables[] = {data_operations, layout_operations, name_operations};
    for (int table = 0; table < 3; table++) {
        for (const struct operation *at = tables[table]; at->name; at++) {
            if (!strcmp(at->name, name)) {
                return at;
            }
        }
    }
    fprintf(stderr, "no such operation: %s\n", name);
    exit(2);
}

static void bus_error(int signal) {
    (void)signal;
    static const char text[] = "refused SIGBUS\n";
    _exit(write(1, text, sizeof(text) - 1) > 0 ? 0 : 2);
}

static void say(const char *good, const char *bad, int result) {
    if (result < 0) {
        const char *name = strerrorname_np(errno);
        printf("%s %s\n", bad, name ? name : "unknown");
    } else {
        printf("%s\n", good);
    }
    fflush(stdout);
}

static int clear_flag(const char *path) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int flags;
    if (fd < 0) {
        return -1;
    }
    int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
    if (result == 0) {
        flags &= ~FS_IMMUTABLE_FL;
        result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

/* Without opening it, from Linux 6.17 on: nobody is asked. include/uapi/linux/fs.h and asm-generic/unistd.h. */
static int clear_flag_by_path(const char *path) {
    struct {
        uint64_t xflags;
        uint32_t extsize, nextents, projid, cowextsize;
    } attributes;
    enum { FILE_GETATTR = 468, FILE_SETATTR = 469 };
    if (syscall(FILE_GETATTR, AT_FDCWD, path, &attributes, sizeof(attributes), 0) < 0) {
        return -1;
    }
    attributes.xflags &= ~(uint64_t)FS_XFLAG_IMMUTABLE;
    return syscall(FILE_SETATTR, AT_FDCWD, path, &attributes, sizeof(attributes), 0);
}

/* Root takes the flag away, waits for the lease to be given up or broken, and only then does what it came for. */
static int steal(struct target *target, const struct operation *operation) {
    if (clear_flag(target->path) < 0) {
        return -1;
    }
    nonblock = 0;
    return prepare(target, operation->preparation) < 0 ? -1 : operation->act(target);
}

/*
 * The same, and meanwhile another process takes the flag away as often as it is put back, also between the moment at which
 * that is done and the one at which the lease is given up: by a descriptor from before where readers are let in.
 */
static int persist(struct target *target, const struct operation *operation) {
    int fd = open(target->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && clear_flag_by_path(target->path) < 0) {
        return -1;
    }
    pid_t clearing = fork();
    if (clearing == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int flags;;) {
            if (fd < 0) {
                clear_flag_by_path(target->path);
            } else if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0) {
                flags &= ~FS_IMMUTABLE_FL;
                ioctl(fd, FS_IOC_SETFLAGS, &flags);
            }
        }
    }
    int result = -1;
    int error = errno;
    for (int tries = 0; clearing > 0 && result < 0 && tries < 5000; tries++) {
        result = operation->act(target);
        error = errno;
        usleep(1000);
    }
    if (clearing > 0) {
        kill(clearing, SIGKILL);
        waitpid(clearing, NULL, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    errno = error;
    return result;
}

/* As long as it takes to have the flag put back, but not for ever: whoever does that may be dead. */
static void await_flag(const char *path) {
    struct statx status = {0};
    for (int look = 0; look < 150; look++) {
        if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &status) == 0 &&
                (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0) {
            return;
        }
        usleep(20000);
    }
}

/* What is prepared before the flag is away, and kept. */
static int prepared_early(const struct operation *operation) {
    return operation->preparation == OPEN_PATH || operation->preparation == OPEN_READ ||
           operation->preparation == MAP_READ;
}

/* The same by all means and several times; lingering, with what it could open while the flag was away, after it is back. */
static int strike(struct target *target, const struct operation *operation, int linger) {
    enum { TRIES = 20, PAUSE_MICROS = 100000, LIMIT_SECONDS = 15 };
    time_t end = time(NULL) + LIMIT_SECONDS;
    int error = 0;
    nonblock = 0;
    for (int tries = 0; tries < TRIES && time(NULL) < end; tries++) {
        if (clear_flag(target->path) < 0) {
            clear_flag_by_path(target->path);
        }
        int ready = target->fd >= 0;
        if (!ready && prepare(target, operation->preparation) == 0) {
            ready = 1;
            if (linger) {
                await_flag(target->path);
            }
        }
        if (ready && operation->act(target) == 0) {
            return 0;
        }
        error = errno;
        if (!linger && !prepared_early(operation) && target->fd >= 0) {
            close(target->fd);
            target->fd = -1;
        }
        usleep(PAUSE_MICROS);
    }
    errno = error;
    return -1;
}

int main(int argc, char **argv) {
    char line[16];
    int stealing = argc == 4 && !strcmp(argv[1], "steal");
    int lingering = argc == 4 && !strcmp(argv[1], "linger");
    int striking = lingering || (argc == 4 && !strcmp(argv[1], "strike"));
    int persisting = argc == 4 && !strcmp(argv[1], "persist");
    if (argc != 3 && !stealing && !striking && !persisting) {
        fprintf(stderr, "usage: adversary [steal | strike | linger | persist] operation file\n");
        return 2;
    }
    argv += stealing || striking || persisting;
    const struct operation *operation = find(argv[1]);
    struct target target = {.path = argv[2], .fd = -1, .other_fd = -1};
    snprintf(target.other, sizeof(target.other), "%s.other", argv[2]);
    struct stat status;
    if (stat(target.path, &status) < 0) {
        perror(target.path);
        return 2;
    }
    target.size = status.st_size;
    signal(SIGBUS, bus_error);
    if (operation->needs_other) {
        make_other(&target);
    }
    if (striking || persisting) {
        act_length = target.size / 2;
    }
    int late = stealing || (striking && !prepared_early(operation));
    int result = late ? 0 : prepare(&target, operation->preparation);
    say("prepared", "unprepared", result);
    if (result < 0 || !fgets(line, sizeof(line), stdin)) {
        return 0;
    }
    if (striking) {
        result = strike(&target, operation, lingering);
    } else if (persisting) {
        result = persist(&target, operation);
    } else {
        result = stealing ? steal(&target, operation) : operation->act(&target);
    }
    say("worked", "refused", result);
    while (fgets(line, sizeof(line), stdin)) {
    }
    return 0;
}
