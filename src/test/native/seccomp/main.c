/*
 * Runs a program where io_uring, cachestat(2) and fanotify(7) are refused, as in a container:
 *
 *   seccomp EPERM|ENOSYS PROGRAM ARGUMENTS...
 *
 * EPERM is what Docker's default profile answers, ENOSYS what an old kernel does. The filter is inherited by all that the
 * program starts. See Documentation/userspace-api/seccomp_filter.rst in Linux.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture but alpha. */
enum { IO_URING_SETUP = 425, IO_URING_REGISTER = 427, CACHESTAT = 451 };

#define OFFSET(field) offsetof(struct seccomp_data, field)

int main(int argc, char **argv) {
    if (argc < 3 || (strcmp(argv[1], "EPERM") != 0 && strcmp(argv[1], "ENOSYS") != 0)) {
        fprintf(stderr, "usage: seccomp EPERM|ENOSYS program arguments...\n");
        return 2;
    }
    unsigned error = strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSET(nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fanotify_init, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CACHESTAT, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, IO_URING_SETUP, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, IO_URING_REGISTER, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        return 2;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}
