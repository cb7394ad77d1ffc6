package org.vnd.sys.abi;

/** struct fuse_read_in, of READ and READDIR. include/uapi/linux/fuse.h. */
public final class FuseReadIn {
    public static final int SIZE_BYTES = 40;
    public static final int OFFSET_OFFSET = 8;
    public static final int SIZE_OFFSET = 16;

    private FuseReadIn() {}
}
