package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * The server's first words; proto.md, "Newstyle negotiation".
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------------------------------------------------------+
 *   | magic "NBDMAGIC"                                              |   0
 *   +---------------------------------------------------------------+
 *   | option magic "IHAVEOPT"                                       |   8
 *   +---------------+-----------------------------------------------+
 *   | flags         |                                                  16
 *   +---------------+
 * </pre>
 */
public final class Greeting extends Flyweight {
    public static final int SIZE_BYTES = 18;

    private static final int MAGIC_OFFSET = 0;
    private static final int OPTION_MAGIC_OFFSET = 8;
    private static final int FLAGS_OFFSET = 16;

    /** Lays it over {@code bytes} from index {@code at}. */
    public Greeting wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public long magic() {
        return buffer.getLong(offset + MAGIC_OFFSET);
    }

    public Greeting magic(long value) {
        buffer.putLong(offset + MAGIC_OFFSET, value);
        return this;
    }

    public long optionMagic() {
        return buffer.getLong(offset + OPTION_MAGIC_OFFSET);
    }

    public Greeting optionMagic(long value) {
        buffer.putLong(offset + OPTION_MAGIC_OFFSET, value);
        return this;
    }

    public int flags() {
        return buffer.getShort(offset + FLAGS_OFFSET) & 0xffff;
    }

    public Greeting flags(int value) {
        buffer.putShort(offset + FLAGS_OFFSET, (short) value);
        return this;
    }
}
