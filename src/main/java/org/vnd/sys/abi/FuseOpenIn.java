package org.vnd.sys.abi;

/** struct fuse_open_in: the flags of open(2). include/uapi/linux/fuse.h. */
public final class FuseOpenIn {
    public static final int SIZE_BYTES = 8;
    public static final int FLAGS_OFFSET = 0;

    private FuseOpenIn() {}
}
