package org.vnd.sys.abi;

/** struct fuse_lseek_out: where it is. include/uapi/linux/fuse.h. */
public final class FuseLseekOut {
    public static final int SIZE_BYTES = 8;
    public static final int OFFSET_OFFSET = 0;

    private FuseLseekOut() {}
}
