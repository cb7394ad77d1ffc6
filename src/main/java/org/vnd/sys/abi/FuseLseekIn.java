package org.vnd.sys.abi;

/** struct fuse_lseek_in: the arguments of lseek(2), SEEK_DATA and SEEK_HOLE only. include/uapi/linux/fuse.h. */
public final class FuseLseekIn {
    public static final int SIZE_BYTES = 24;
    public static final int OFFSET_OFFSET = 8;
    public static final int WHENCE_OFFSET = 16;

    private FuseLseekIn() {}
}
