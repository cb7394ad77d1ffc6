package org.vnd.image;

import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;

/**
 * Whether ranges of an image can be given back to what is below, found out without giving any back: clients are told once
 * whether a disk discards, and go by it for as long as they are there.
 */
final class HolePunching {
    private HolePunching() {}

    /**
     * Of the block device {@code major}:{@code minor}. A hole in it is a command of its own (WRITE ZEROES), and without that
     * fallocate(2) fails: blkdev_fallocate of Linux's block/fops.c. What /sys doesn't tell is taken to work.
     */
    static boolean ofDevice(int major, int minor) {
        String device = "/sys/dev/block/" + major + ":" + minor;
        // A partition has the queue of its disk, whose folder is the one above.
        String disk = SmallFile.read(device + "/partition") == null ? device : device + "/..";
        return SmallFile.readNumber(disk + "/queue/write_zeroes_max_bytes", 1) > 0;
    }

    /** Of the file {@code fd}, open for writing: a hole behind its end changes nothing that anybody can read. */
    static boolean ofFile(int fd, FileFacts facts) {
        long end = (facts.sizeBytes() + facts.blockBytes() - 1) / facts.blockBytes() * facts.blockBytes();
        int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
        return FileCalls.fallocate(fd, mode, end, facts.blockBytes()) != -Errno.EOPNOTSUPP;
    }
}
