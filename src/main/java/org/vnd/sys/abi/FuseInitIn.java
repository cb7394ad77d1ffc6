package org.vnd.sys.abi;

/** struct fuse_init_in: the kernel's version and what it can do. include/uapi/linux/fuse.h. */
public final class FuseInitIn {
    public static final int SIZE_BYTES = 64;
    public static final int MAJOR_OFFSET = 0;
    public static final int MINOR_OFFSET = 4;
    public static final int MAX_READAHEAD_OFFSET = 8;
    public static final int FLAGS_OFFSET = 12;
    public static final int FLAGS2_OFFSET = 16;

    private FuseInitIn() {}
}
