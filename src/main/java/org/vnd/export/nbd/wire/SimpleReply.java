package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * An answer without chunks; the data of a READ that succeeded follows. proto.md, "Simple reply message".
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+-------------------------------+
 *   | magic 0x67446698              | error                         |   0
 *   +-------------------------------+-------------------------------+
 *   | cookie                                                        |   8
 *   +---------------------------------------------------------------+
 * </pre>
 */
public final class SimpleReply extends Flyweight {
    public static final int SIZE_BYTES = 16;

    private static final int MAGIC_OFFSET = 0;
    private static final int ERROR_OFFSET = 4;
    private static final int COOKIE_OFFSET = 8;

    /** Lays it over {@code bytes} from index {@code at}. */
    public SimpleReply wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public int magic() {
        return buffer.getInt(offset + MAGIC_OFFSET);
    }

    public SimpleReply magic(int value) {
        buffer.putInt(offset + MAGIC_OFFSET, value);
        return this;
    }

    public int error() {
        return buffer.getInt(offset + ERROR_OFFSET);
    }

    public SimpleReply error(int value) {
        buffer.putInt(offset + ERROR_OFFSET, value);
        return this;
    }

    public long cookie() {
        return buffer.getLong(offset + COOKIE_OFFSET);
    }

    public SimpleReply cookie(long value) {
        buffer.putLong(offset + COOKIE_OFFSET, value);
        return this;
    }
}
