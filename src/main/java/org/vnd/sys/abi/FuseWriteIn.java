package org.vnd.sys.abi;

/** struct fuse_write_in; the data follows. Its flags are those of open(2). include/uapi/linux/fuse.h. */
public final class FuseWriteIn {
    public static final int SIZE_BYTES = 40;
    public static final int OFFSET_OFFSET = 8;
    public static final int SIZE_OFFSET = 16;
    public static final int FLAGS_OFFSET = 32;

    private FuseWriteIn() {}
}
