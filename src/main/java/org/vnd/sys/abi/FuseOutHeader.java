package org.vnd.sys.abi;

/** struct fuse_out_header: what every reply begins with; error is 0 or a negated errno. include/uapi/linux/fuse.h. */
public final class FuseOutHeader {
    public static final int SIZE_BYTES = 16;
    public static final int LEN_OFFSET = 0;
    public static final int ERROR_OFFSET = 4;
    public static final int UNIQUE_OFFSET = 8;

    private FuseOutHeader() {}
}
