package org.vnd.sys.abi;

/** struct fuse_open_out: our number for the open file, and how the kernel is to treat it. include/uapi/linux/fuse.h. */
public final class FuseOpenOut {
    public static final int SIZE_BYTES = 16;
    public static final int FH_OFFSET = 0;
    public static final int OPEN_FLAGS_OFFSET = 8;

    private FuseOpenOut() {}
}
