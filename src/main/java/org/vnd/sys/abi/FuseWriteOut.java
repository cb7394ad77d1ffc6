package org.vnd.sys.abi;

/** struct fuse_write_out: how many bytes were written. include/uapi/linux/fuse.h. */
public final class FuseWriteOut {
    public static final int SIZE_BYTES = 8;
    public static final int SIZE_OFFSET = 0;

    private FuseWriteOut() {}
}
