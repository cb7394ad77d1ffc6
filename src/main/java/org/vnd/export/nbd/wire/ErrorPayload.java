package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * What the payload of an ERROR chunk begins with; the message, UTF-8, follows. proto.md, NBD_REPLY_TYPE_ERROR.
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+---------------+
 *   | error                         | message length|                   0
 *   +-------------------------------+---------------+
 * </pre>
 */
public final class ErrorPayload extends Flyweight {
    public static final int SIZE_BYTES = 6;

    private static final int ERROR_OFFSET = 0;
    private static final int MESSAGE_LENGTH_OFFSET = 4;

    /** Lays it over {@code bytes} from index {@code at}. */
    public ErrorPayload wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public int error() {
        return buffer.getInt(offset + ERROR_OFFSET);
    }

    public ErrorPayload error(int value) {
        buffer.putInt(offset + ERROR_OFFSET, value);
        return this;
    }

    public int messageLengthBytes() {
        return buffer.getShort(offset + MESSAGE_LENGTH_OFFSET) & 0xffff;
    }

    public ErrorPayload messageLengthBytes(int value) {
        buffer.putShort(offset + MESSAGE_LENGTH_OFFSET, (short) value);
        return this;
    }
}
