/*
 * vnd-fusermount: vnd-fusermount SOCKET PROGRAM [ARGUMENT…]
 *
 * Becomes PROGRAM, fusermount3, which mounts a FUSE file system for a user, and sends its descriptor over a socket that it
 * inherits: libfuse's lib/mount.c. The one it gets is connected to SOCKET, on which the daemon listens. A program of its own,
 * because what a JVM starts inherits nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* As a shell's, for a program that isn't there. */
enum { NO_PROGRAM = 127 };

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char number[16];
    if (argc < 3 || strlen(argv[1]) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror(argv[1]);
        return 1;
    }
    snprintf(number, sizeof number, "%d", fd);
    setenv("_FUSE_COMMFD", number, 1);
    execvp(argv[2], argv + 2);
    int error = errno;
    perror(argv[2]);
    return error == ENOENT ? NO_PROGRAM : 1;
}
