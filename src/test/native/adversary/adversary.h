/*
 * A program that does one hostile thing to a file, in two steps, so that a test can put an attach between them:
 * it prepares (opens, maps), says so, waits to be told, acts, says what came of it, and holds what it has until the end
 * of its input.
 */
#ifndef ADVERSARY_H
#define ADVERSARY_H

#include <stdint.h>
#include <sys/types.h>

/* What an operation works on; all offsets are multiples of 1 MiB, the file is at least 8 MiB. */
struct target {
    const char *path;
    /* Beside the file, made by main of the same size when the operation needs one. */
    char other[4096];
    off_t size;
    int fd;
    int other_fd;
    unsigned char *map;
};

#define MEBIBYTE (1 << 20)
#define ACT_OFFSET MEBIBYTE
/* So much of the file an operation changes: 64 KiB, or, of those who strike or persist, half of it. */
extern off_t act_length;

/* How an operation prepares. */
enum preparation {
    /* Nothing: it goes by the path. */
    BY_PATH,
    OPEN_READ,
    /* O_PATH: asks nobody, and is no open file to a lease. */
    OPEN_PATH,
    OPEN_WRITE,
    OPEN_APPEND,
    OPEN_DIRECT,
    /* Opens for writing and maps the whole file shared. */
    MAP,
    /* The same, and closes the descriptor. */
    MAP_CLOSED,
    /* The same, and dirties a page. */
    MAP_DIRTY,
    /* Opens to read and maps a page, which it reads. */
    MAP_READ,
    /* Opens for writing, sends the descriptor into a socket nobody reads from, and closes it. */
    IN_FLIGHT,
};

struct operation {
    const char *name;
    enum preparation preparation;
    int needs_other;
    /* 0, or -1 with errno. */
    int (*act)(struct target *);
};

extern const struct operation data_operations[];
extern const struct operation layout_operations[];
extern const struct operation name_operations[];

/* O_NONBLOCK, or 0 for thieves: without it an open waits out the lease. */
extern int nonblock;

/* Receives the descriptor that IN_FLIGHT sent. */
int receive_descriptor(void);

#endif
