package org.vnd.sys.abi;

/** struct fsuuid2, include/uapi/linux/fs.h: a length, and that many of 16 bytes. Linux 6.9. */
public final class FileSystemUuid {
    public static final int SIZE_BYTES = 17;
    public static final int LENGTH_OFFSET = 0;
    public static final int UUID_OFFSET = 1;
    /** _IOR(0x15, 0, struct fsuuid2) */
    public static final long FS_IOC_GETFSUUID = 0x80111500L;

    private FileSystemUuid() {}
}
