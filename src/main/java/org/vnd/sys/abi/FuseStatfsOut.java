package org.vnd.sys.abi;

/** struct fuse_kstatfs, all that struct fuse_statfs_out has: the answer to STATFS. include/uapi/linux/fuse.h. */
public final class FuseStatfsOut {
    public static final int SIZE_BYTES = 80;
    public static final int BLOCKS_OFFSET = 0;
    public static final int FILES_OFFSET = 24;
    public static final int BSIZE_OFFSET = 40;
    public static final int NAMELEN_OFFSET = 44;
    public static final int FRSIZE_OFFSET = 48;

    private FuseStatfsOut() {}
}
