package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * What the payload of an OFFSET_DATA chunk begins with; the data follows. proto.md, NBD_REPLY_TYPE_OFFSET_DATA.
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------------------------------------------------------+
 *   | offset on the disk of the data's first byte                   |   0
 *   +---------------------------------------------------------------+
 * </pre>
 */
public final class OffsetData extends Flyweight {
    public static final int SIZE_BYTES = 8;

    private static final int OFFSET_OFFSET = 0;

    /** Lays it over {@code bytes} from index {@code at}. */
    public OffsetData wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public long offsetBytes() {
        return buffer.getLong(offset + OFFSET_OFFSET);
    }

    public OffsetData offsetBytes(long value) {
        buffer.putLong(offset + OFFSET_OFFSET, value);
        return this;
    }
}
