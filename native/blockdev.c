/*
 * vnd-blockdev: vnd-blockdev flush|forget NODE
 *
 * flush: has the kernel write what it holds of the block device NODE, and drop it: BLKFLSBUF, as blockdev --flushbufs.
 * forget: has the kernel forget the partitions of NODE but those in use: BLKPG_DEL_PARTITION, as partx --delete.
 *
 * Exit status 0 if it did. A process of its own, because the daemon serves NODE, and whoever waits for that in the kernel can't
 * be killed nor debugged. Found beside the other programs of ours, not by a PATH: without it a disk can't be detached.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

/* include/linux/blkdev.h, DISK_MAX_PARTS: numbers of partitions are below. */
enum { PARTITIONS_END = 256 };

static int forget(int fd)
{
    int failed = 0;
    for (int number = 1; number < PARTITIONS_END; number++) {
        struct blkpg_partition partition = {.pno = number};
        struct blkpg_ioctl_arg request = {.op = BLKPG_DEL_PARTITION, .datalen = sizeof partition, .data = &partition};
        /* ENXIO: there is none of this number. */
        failed |= ioctl(fd, BLKPG, &request) != 0 && errno != ENXIO;
    }
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 1;
    if (strcmp(argv[1], "flush") == 0)
        return ioctl(fd, BLKFLSBUF, 0) != 0;
    return strcmp(argv[1], "forget") == 0 ? forget(fd) : 2;
}
