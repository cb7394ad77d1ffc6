package org.vnd.sys.abi;

/** The flags of chattr(1), include/uapi/linux/fs.h, and the ioctls that read and set them through a pointer to an int. */
public final class FileFlags {
    /** _IOR('f', 1, long); the kernel writes an int all the same. */
    public static final long FS_IOC_GETFLAGS = 0x80086601L;
    /** _IOW('f', 2, long). */
    public static final long FS_IOC_SETFLAGS = 0x40086602L;

    public static final int FS_COMPR_FL = 0x4;
    public static final int FS_IMMUTABLE_FL = 0x10;
    public static final int FS_APPEND_FL = 0x20;
    public static final int FS_ENCRYPT_FL = 0x800;
    public static final int FS_JOURNAL_DATA_FL = 0x4000;
    public static final int FS_VERITY_FL = 0x100000;
    public static final int FS_NOCOW_FL = 0x800000;
    public static final int FS_DAX_FL = 0x2000000;
    public static final int FS_INLINE_DATA_FL = 0x10000000;

    private FileFlags() {}
}
