package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FileFlags;
import org.vnd.sys.abi.FsXattr;
import org.vnd.sys.abi.Statfs;
import org.vnd.sys.abi.Statx;

/**
 * What the kernel says of a file.
 *
 * @param deviceMajor of the file system's device; 0 if that is no real one
 * @param mode type and permissions
 * @param attributes of {@link Statx}
 * @param mountId as in /proc/self/mountinfo, or -1 before Linux 5.8
 * @param directAlignBytes what O_DIRECT asks of offset and length; 0 if it can't be had, -1 if the kernel doesn't say
 * @param fileSystemType one of {@link Statfs}, or another
 * @param blockBytes the file system's block; a page where it names none, as one of FUSE may
 * @param flags of {@link FileFlags}; 0 where the file system has none
 * @param extendedFlags of {@link FsXattr}; 0 where the file system has none
 */
record FileFacts(
        int deviceMajor,
        int deviceMinor,
        long inode,
        long sizeBytes,
        int mode,
        long attributes,
        long mountId,
        int directAlignBytes,
        int fileSystemType,
        long blockBytes,
        int flags,
        int extendedFlags) {
    /** Whatever the file system's block is, statx(2). */
    private static final int STAT_BLOCK_BYTES = 512;

    /** Asks about the open file {@code fd}. */
    static FileFacts read(int fd, String path) throws SysException {
        ByteBuffer status = statx(fd, path);
        ByteBuffer fileSystem = Libc.struct(Statfs.SIZE_BYTES);
        Libc.check(FileCalls.fstatfs(fd, Libc.address(fileSystem)), "statfs", path);
        ByteBuffer extended = Libc.struct(FsXattr.SIZE_BYTES);
        boolean hasExtended = FileCalls.ioctl(fd, FsXattr.FS_IOC_FSGETXATTR, Libc.address(extended)) == 0;
        int mask = status.getInt(Statx.MASK_OFFSET);
        long blockBytes = fileSystem.getLong(Statfs.F_BSIZE_OFFSET);
        return new FileFacts(
                status.getInt(Statx.DEV_MAJOR_OFFSET),
                status.getInt(Statx.DEV_MINOR_OFFSET),
                status.getLong(Statx.INO_OFFSET),
                status.getLong(Statx.SIZE_OFFSET),
                status.getShort(Statx.MODE_OFFSET) & 0xFFFF,
                status.getLong(Statx.ATTRIBUTES_OFFSET),
                (mask & Statx.MASK_MNT_ID) != 0 ? status.getLong(Statx.MNT_ID_OFFSET) : -1,
                (mask & Statx.MASK_DIOALIGN) != 0 ? status.getInt(Statx.DIO_OFFSET_ALIGN_OFFSET) : -1,
                (int) fileSystem.getLong(Statfs.F_TYPE_OFFSET),
                blockBytes == 0 ? AlignedBuffer.PAGE_BYTES : blockBytes,
                readFlags(fd),
                hasExtended ? extended.getInt(FsXattr.XFLAGS_OFFSET) : 0);
    }

    /** The answer of statx(2), of a descriptor that may be O_PATH. */
    static ByteBuffer statx(int fd, String path) throws SysException {
        ByteBuffer status = Libc.struct(Statx.SIZE_BYTES);
        int mask = Statx.MASK_BASIC_STATS | Statx.MASK_MNT_ID | Statx.MASK_DIOALIGN;
        Libc.check(FileCalls.statx(fd, mask, Libc.address(status)), "statx", path);
        Reference.reachabilityFence(status);
        return status;
    }

    /** How much of its file system the open file {@code fd} takes, for its data and what belongs to that. */
    static long storedBytes(int fd, String path) throws SysException {
        return statx(fd, path).getLong(Statx.BLOCKS_OFFSET) * STAT_BLOCK_BYTES;
    }

    /** Whether the file {@code fd}, which may be O_PATH, is on the device of these numbers. */
    static boolean isOn(int fd, int deviceMajor, int deviceMinor) throws SysException {
        ByteBuffer status = statx(fd, "");
        return status.getInt(Statx.DEV_MAJOR_OFFSET) == deviceMajor
                && status.getInt(Statx.DEV_MINOR_OFFSET) == deviceMinor;
    }

    /** Which file it is, on this host until it is booted again: {@code 8:1:13}, of an answer of {@link #statx}. */
    static String identity(ByteBuffer status) {
        return status.getInt(Statx.DEV_MAJOR_OFFSET) + ":" + status.getInt(Statx.DEV_MINOR_OFFSET) + ":"
                + Long.toUnsignedString(status.getLong(Statx.INO_OFFSET));
    }

    /** Flags of {@link FileFlags}, or 0 where the file system has none. */
    static int readFlags(int fd) {
        ByteBuffer word = Libc.struct(Long.BYTES);
        int result = FileCalls.ioctl(fd, FileFlags.FS_IOC_GETFLAGS, Libc.address(word));
        int flags = word.getInt(0);
        return result < 0 ? 0 : flags;
    }

    static void writeFlags(int fd, int flags, String path) throws SysException {
        ByteBuffer word = Libc.struct(Long.BYTES).putInt(0, flags);
        try {
            Libc.check(FileCalls.ioctl(fd, FileFlags.FS_IOC_SETFLAGS, Libc.address(word)), "set flags of", path);
        } finally {
            Reference.reachabilityFence(word);
        }
    }

    boolean hasFlag(int mask) {
        return (flags & mask) != 0;
    }

    boolean hasAttribute(int mask) {
        return (attributes & mask) != 0;
    }
}
