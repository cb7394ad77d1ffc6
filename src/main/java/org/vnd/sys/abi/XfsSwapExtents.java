package org.vnd.sys.abi;

/**
 * struct xfs_swapext, fs/xfs/libxfs/xfs_fs.h: two files of an XFS exchange all their blocks. Of the target's struct xfs_bstat
 * in it, the kernel looks at two times only, which have to be those that the file has.
 */
public final class XfsSwapExtents {
    public static final int SIZE_BYTES = 192;
    public static final int TARGET_FD_OFFSET = 8;
    public static final int OTHER_FD_OFFSET = 16;
    /** The size of both files. */
    public static final int LENGTH_OFFSET = 32;
    /** Seconds in 64 bits, nanoseconds in 32, as in {@link Statx}. */
    public static final int MTIME_OFFSET = 112;

    public static final int CTIME_OFFSET = 128;

    /** _IOWR('X', 109, struct xfs_swapext). */
    public static final long XFS_IOC_SWAPEXT = 0xC0C0586DL;

    private XfsSwapExtents() {}
}
