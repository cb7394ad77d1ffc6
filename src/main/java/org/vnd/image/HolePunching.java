package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statx;

/**
 * Whether ranges of an image can be given back to what is below, found out without giving any back: clients are told once
 * whether a disk discards, and go by it for as long as they are there.
 */
final class HolePunching {
    /** A power of two: whatever a file system's block is, it begins one. */
    private static final long FARTHEST_BYTES = 1L << 62;

    private static final int LENGTH_BYTES = 4096;

    /** Leaves that time as it is, utimensat(2), include/linux/stat.h. */
    private static final long UTIME_OMIT = (1L << 30) - 2;

    private HolePunching() {}

    /**
     * Of the block device {@code major}:{@code minor}. A hole in it is a command of its own (WRITE ZEROES), and without that
     * fallocate(2) fails: blkdev_fallocate of Linux's block/fops.c. What /sys doesn't tell is taken to work.
     */
    static boolean ofDevice(int major, int minor) {
        String device = new DeviceNumber(major, minor).folder().toString();
        // A partition has the queue of its disk, whose folder is the one above.
        String disk = SmallFile.read(device + "/partition") == null ? device : device + "/..";
        return SmallFile.readNumber(disk + "/queue/write_zeroes_max_bytes", 1) > 0;
    }

    /**
     * Of the file {@code fd}, open for writing: by a hole far behind its end, where nobody has reserved anything. To most
     * file systems the file has changed then: its modification time is put back, its ctime can't be.
     */
    static boolean ofFile(int fd, FileFacts facts) throws SysException {
        ByteBuffer before = FileFacts.statx(fd, "");
        int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
        int result = -Errno.EFBIG;
        // Each file system has a largest file of its own, and doesn't say which.
        for (long at = FARTHEST_BYTES; result == -Errno.EFBIG && at >= facts.sizeBytes(); at /= 2) {
            result = FileCalls.fallocate(fd, mode, at, LENGTH_BYTES);
        }
        putTimeBack(fd, before);
        return result != -Errno.EOPNOTSUPP;
    }

    private static void putTimeBack(int fd, ByteBuffer before) throws SysException {
        ByteBuffer now = FileFacts.statx(fd, "");
        long seconds = before.getLong(Statx.MTIME_OFFSET);
        int nanoseconds = before.getInt(Statx.MTIME_OFFSET + Long.BYTES);
        if (now.getLong(Statx.MTIME_OFFSET) == seconds && now.getInt(Statx.MTIME_OFFSET + Long.BYTES) == nanoseconds) {
            return;
        }
        ByteBuffer times = Libc.struct(4 * Long.BYTES)
                .putLong(Long.BYTES, UTIME_OMIT)
                .putLong(2 * Long.BYTES, seconds)
                .putLong(3 * Long.BYTES, nanoseconds);
        // It may be another user's file; then it has changed.
        FileCalls.setTimes(fd, Libc.address(times));
        Reference.reachabilityFence(times);
    }
}
