package org.vnd.sys.abi;

/** struct fsxattr, include/uapi/linux/fs.h: flags of a file that chattr(1) doesn't have. */
public final class FsXattr {
    public static final int SIZE_BYTES = 28;
    public static final int XFLAGS_OFFSET = 0;

    /** On the realtime device of XFS, which isn't st_dev. */
    public static final int FS_XFLAG_REALTIME = 0x1;

    /** _IOR('X', 31, struct fsxattr). */
    public static final long FS_IOC_FSGETXATTR = 0x801C581FL;

    private FsXattr() {}
}
