/*
 * vnd-dm: vnd-dm fail UUID SECTORS rw|ro
 *
 * Has the dm device of this UUID answer every request with an error from now on; those on the way are done first. Exit status 0
 * if it did. include/uapi/linux/dm-ioctl.h: an inactive table is loaded, and put to work by a resume, without anything being
 * flushed. For vnd-lock, when the daemon can't.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* What follows the struct of a command: a target and its parameters, none. */
struct request {
    struct dm_ioctl command;
    struct dm_target_spec target;
    char parameters[8];
};

static int send_command(int control, unsigned long code, struct request *request, const char *uuid, unsigned flags)
{
    request->command.version[0] = DM_VERSION_MAJOR;
    request->command.data_size = sizeof *request;
    request->command.data_start = sizeof request->command;
    request->command.flags = flags;
    strncpy(request->command.uuid, uuid, sizeof request->command.uuid - 1);
    return ioctl(control, code, request);
}

int main(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[1], "fail") != 0)
        return 2;
    int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
    if (control < 0) {
        perror("/dev/mapper/control");
        return 1;
    }
    struct request load, resume;
    memset(&load, 0, sizeof load);
    memset(&resume, 0, sizeof resume);
    load.command.target_count = 1;
    load.target.length = strtoull(argv[3], NULL, 10);
    strcpy(load.target.target_type, "error");
    unsigned mode = strcmp(argv[4], "ro") == 0 ? DM_READONLY_FLAG : 0;
    if (send_command(control, DM_TABLE_LOAD, &load, argv[2], mode) == 0 &&
        send_command(control, DM_DEV_SUSPEND, &resume, argv[2], DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG) == 0)
        return 0;
    perror(argv[2]);
    return 1;
}
