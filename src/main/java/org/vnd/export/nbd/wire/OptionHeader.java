package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * What an option of the client begins with; its data follows. proto.md, "Newstyle negotiation".
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------------------------------------------------------+
 *   | magic "IHAVEOPT"                                              |   0
 *   +-------------------------------+-------------------------------+
 *   | type                          | length of the data            |   8
 *   +-------------------------------+-------------------------------+
 * </pre>
 */
public final class OptionHeader extends Flyweight {
    public static final int SIZE_BYTES = 16;

    private static final int MAGIC_OFFSET = 0;
    private static final int TYPE_OFFSET = 8;
    private static final int LENGTH_OFFSET = 12;

    /** Lays it over {@code bytes} from index {@code at}. */
    public OptionHeader wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public long magic() {
        return buffer.getLong(offset + MAGIC_OFFSET);
    }

    public OptionHeader magic(long value) {
        buffer.putLong(offset + MAGIC_OFFSET, value);
        return this;
    }

    public int type() {
        return buffer.getInt(offset + TYPE_OFFSET);
    }

    public OptionHeader type(int value) {
        buffer.putInt(offset + TYPE_OFFSET, value);
        return this;
    }

    public long lengthBytes() {
        return buffer.getInt(offset + LENGTH_OFFSET) & 0xffff_ffffL;
    }

    public OptionHeader lengthBytes(long value) {
        buffer.putInt(offset + LENGTH_OFFSET, (int) value);
        return this;
    }
}
