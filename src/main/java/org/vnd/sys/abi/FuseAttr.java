package org.vnd.sys.abi;

/** struct fuse_attr: what stat(2) tells of a file. include/uapi/linux/fuse.h. */
public final class FuseAttr {
    public static final int SIZE_BYTES = 88;
    public static final int INO_OFFSET = 0;
    public static final int SIZE_OFFSET = 8;
    public static final int BLOCKS_OFFSET = 16;
    public static final int MTIME_OFFSET = 32;
    public static final int MODE_OFFSET = 60;
    public static final int NLINK_OFFSET = 64;
    public static final int UID_OFFSET = 68;
    public static final int GID_OFFSET = 72;
    public static final int BLKSIZE_OFFSET = 80;

    private FuseAttr() {}
}
