package org.vnd.sys.abi;

/** struct fuse_fallocate_in: the arguments of fallocate(2). include/uapi/linux/fuse.h. */
public final class FuseFallocateIn {
    public static final int SIZE_BYTES = 32;
    public static final int OFFSET_OFFSET = 8;
    public static final int LENGTH_OFFSET = 16;
    public static final int MODE_OFFSET = 24;

    private FuseFallocateIn() {}
}
