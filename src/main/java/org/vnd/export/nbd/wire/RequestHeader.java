package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * A request; the data of a WRITE follows. proto.md, "Request message".
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+---------------+---------------+
 *   | magic 0x25609513              | flags         | type          |   0
 *   +-------------------------------+---------------+---------------+
 *   | cookie                                                        |   8
 *   +---------------------------------------------------------------+
 *   | offset                                                        |  16
 *   +-------------------------------+-------------------------------+
 *   | length                        |                                  24
 *   +-------------------------------+
 * </pre>
 */
public final class RequestHeader extends Flyweight {
    public static final int SIZE_BYTES = 28;

    private static final int MAGIC_OFFSET = 0;
    private static final int FLAGS_OFFSET = 4;
    private static final int TYPE_OFFSET = 6;
    private static final int COOKIE_OFFSET = 8;
    private static final int OFFSET_OFFSET = 16;
    private static final int LENGTH_OFFSET = 24;

    /** Lays it over {@code bytes} from index {@code at}. */
    public RequestHeader wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public int magic() {
        return buffer.getInt(offset + MAGIC_OFFSET);
    }

    public RequestHeader magic(int value) {
        buffer.putInt(offset + MAGIC_OFFSET, value);
        return this;
    }

    public int flags() {
        return buffer.getShort(offset + FLAGS_OFFSET) & 0xffff;
    }

    public RequestHeader flags(int value) {
        buffer.putShort(offset + FLAGS_OFFSET, (short) value);
        return this;
    }

    public int type() {
        return buffer.getShort(offset + TYPE_OFFSET) & 0xffff;
    }

    public RequestHeader type(int value) {
        buffer.putShort(offset + TYPE_OFFSET, (short) value);
        return this;
    }

    public long cookie() {
        return buffer.getLong(offset + COOKIE_OFFSET);
    }

    public RequestHeader cookie(long value) {
        buffer.putLong(offset + COOKIE_OFFSET, value);
        return this;
    }

    public long offsetBytes() {
        return buffer.getLong(offset + OFFSET_OFFSET);
    }

    public RequestHeader offsetBytes(long value) {
        buffer.putLong(offset + OFFSET_OFFSET, value);
        return this;
    }

    public long lengthBytes() {
        return buffer.getInt(offset + LENGTH_OFFSET) & 0xffff_ffffL;
    }

    public RequestHeader lengthBytes(long value) {
        buffer.putInt(offset + LENGTH_OFFSET, (int) value);
        return this;
    }
}
