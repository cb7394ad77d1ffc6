package org.vnd.export.nbd.wire;

/** Sizes that the protocol sets, in bytes. */
public final class Limits {
    /** The longest string, a name for example; proto.md, "Conventions". */
    public static final int STRING_BYTES = 4096;
    /** The largest payload that every client may use unasked; proto.md, "Size constraints". */
    public static final int PAYLOAD_BYTES = 1 << 25;
    /** The preferred block size where none is told; proto.md, "Size constraints". */
    public static final int PREFERRED_BLOCK_BYTES = 1 << 12;
    /** What a server must be able to read in one piece; proto.md, NBD_CMD_READ. */
    public static final int UNFRAGMENTED_BYTES = 1 << 16;
    /** Zeros after the answer to NBD_OPT_EXPORT_NAME; proto.md, "Newstyle negotiation". */
    public static final int EXPORT_NAME_PADDING_BYTES = 124;

    private Limits() {}
}
