package org.vnd.sys.abi;

/** struct fuse_entry_out: the answer to LOOKUP. include/uapi/linux/fuse.h. */
public final class FuseEntryOut {
    public static final int SIZE_BYTES = 128;
    public static final int NODEID_OFFSET = 0;
    public static final int ENTRY_VALID_OFFSET = 16;
    public static final int ATTR_VALID_OFFSET = 24;
    public static final int ATTR_OFFSET = 40;

    private FuseEntryOut() {}
}
