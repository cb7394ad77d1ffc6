package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * A piece of a structured reply; its payload follows. proto.md, "Structured reply chunk message".
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+---------------+---------------+
 *   | magic 0x668e33ef              | flags         | type          |   0
 *   +-------------------------------+---------------+---------------+
 *   | cookie                                                        |   8
 *   +-------------------------------+-------------------------------+
 *   | length of the payload         |                                  16
 *   +-------------------------------+
 * </pre>
 */
public final class ReplyChunk extends Flyweight {
    public static final int SIZE_BYTES = 20;

    private static final int MAGIC_OFFSET = 0;
    private static final int FLAGS_OFFSET = 4;
    private static final int TYPE_OFFSET = 6;
    private static final int COOKIE_OFFSET = 8;
    private static final int LENGTH_OFFSET = 16;

    /** Lays it over {@code bytes} from index {@code at}. */
    public ReplyChunk wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public int magic() {
        return buffer.getInt(offset + MAGIC_OFFSET);
    }

    public ReplyChunk magic(int value) {
        buffer.putInt(offset + MAGIC_OFFSET, value);
        return this;
    }

    public int flags() {
        return buffer.getShort(offset + FLAGS_OFFSET) & 0xffff;
    }

    public ReplyChunk flags(int value) {
        buffer.putShort(offset + FLAGS_OFFSET, (short) value);
        return this;
    }

    public int type() {
        return buffer.getShort(offset + TYPE_OFFSET) & 0xffff;
    }

    public ReplyChunk type(int value) {
        buffer.putShort(offset + TYPE_OFFSET, (short) value);
        return this;
    }

    public long cookie() {
        return buffer.getLong(offset + COOKIE_OFFSET);
    }

    public ReplyChunk cookie(long value) {
        buffer.putLong(offset + COOKIE_OFFSET, value);
        return this;
    }

    public int lengthBytes() {
        return buffer.getInt(offset + LENGTH_OFFSET);
    }

    public ReplyChunk lengthBytes(int value) {
        buffer.putInt(offset + LENGTH_OFFSET, value);
        return this;
    }
}
