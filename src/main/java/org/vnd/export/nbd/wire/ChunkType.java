package org.vnd.export.nbd.wire;

/** Kinds of chunks of a structured reply; proto.md, "Structured reply types". 16 bits. */
public final class ChunkType {
    /** NBD_REPLY_TYPE_NONE */
    public static final int NONE = 0;
    /** NBD_REPLY_TYPE_OFFSET_DATA: {@link OffsetData} and the data. */
    public static final int OFFSET_DATA = 1;
    /** NBD_REPLY_TYPE_OFFSET_HOLE */
    public static final int OFFSET_HOLE = 2;
    /** NBD_REPLY_TYPE_BLOCK_STATUS: a context's number and {@link ExtentDescriptor}s. */
    public static final int BLOCK_STATUS = 5;
    /** NBD_REPLY_TYPE_ERROR: {@link ErrorPayload}. */
    public static final int ERROR = 1 << 15 | 1;

    /** NBD_REPLY_FLAG_DONE of the flags beside the type; proto.md, "Structured reply flags": the reply's last chunk. */
    public static final int FLAG_DONE = 1;

    private ChunkType() {}
}
