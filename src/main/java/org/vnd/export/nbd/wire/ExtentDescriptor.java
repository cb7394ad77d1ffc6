package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * One extent in the payload of a BLOCK_STATUS chunk, which begins with the context's number, 32 bits. proto.md,
 * NBD_REPLY_TYPE_BLOCK_STATUS.
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+-------------------------------+
 *   | length                        | flags                         |   0
 *   +-------------------------------+-------------------------------+
 * </pre>
 */
public final class ExtentDescriptor extends Flyweight {
    /** What precedes the first descriptor: the number of the metadata context. */
    public static final int CONTEXT_NUMBER_BYTES = 4;

    public static final int SIZE_BYTES = 8;

    private static final int LENGTH_OFFSET = 0;
    private static final int FLAGS_OFFSET = 4;

    /** Lays it over {@code bytes} from index {@code at}. */
    public ExtentDescriptor wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public long lengthBytes() {
        return buffer.getInt(offset + LENGTH_OFFSET) & 0xffff_ffffL;
    }

    public ExtentDescriptor lengthBytes(long value) {
        buffer.putInt(offset + LENGTH_OFFSET, (int) value);
        return this;
    }

    public int flags() {
        return buffer.getInt(offset + FLAGS_OFFSET);
    }

    public ExtentDescriptor flags(int value) {
        buffer.putInt(offset + FLAGS_OFFSET, value);
        return this;
    }
}
