package org.vnd.sys.abi;

/** struct fuse_in_header: what every request begins with; its arguments follow. include/uapi/linux/fuse.h. */
public final class FuseInHeader {
    public static final int SIZE_BYTES = 40;
    public static final int LEN_OFFSET = 0;
    public static final int OPCODE_OFFSET = 4;
    public static final int UNIQUE_OFFSET = 8;
    public static final int NODEID_OFFSET = 16;

    private FuseInHeader() {}
}
