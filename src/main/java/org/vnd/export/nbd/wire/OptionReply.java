package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * What the server's answer to an option begins with; its data follows. proto.md, "Fixed newstyle negotiation".
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------------------------------------------------------+
 *   | magic 0x3e889045565a9                                         |   0
 *   +-------------------------------+-------------------------------+
 *   | option's type                 | reply's type                  |   8
 *   +-------------------------------+-------------------------------+
 *   | length of the data            |                                  16
 *   +-------------------------------+
 * </pre>
 */
public final class OptionReply extends Flyweight {
    public static final int SIZE_BYTES = 20;

    private static final int MAGIC_OFFSET = 0;
    private static final int OPTION_OFFSET = 8;
    private static final int TYPE_OFFSET = 12;
    private static final int LENGTH_OFFSET = 16;

    /** Lays it over {@code bytes} from index {@code at}. */
    public OptionReply wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public long magic() {
        return buffer.getLong(offset + MAGIC_OFFSET);
    }

    public OptionReply magic(long value) {
        buffer.putLong(offset + MAGIC_OFFSET, value);
        return this;
    }

    public int option() {
        return buffer.getInt(offset + OPTION_OFFSET);
    }

    public OptionReply option(int value) {
        buffer.putInt(offset + OPTION_OFFSET, value);
        return this;
    }

    public int type() {
        return buffer.getInt(offset + TYPE_OFFSET);
    }

    public OptionReply type(int value) {
        buffer.putInt(offset + TYPE_OFFSET, value);
        return this;
    }

    public int lengthBytes() {
        return buffer.getInt(offset + LENGTH_OFFSET);
    }

    public OptionReply lengthBytes(int value) {
        buffer.putInt(offset + LENGTH_OFFSET, value);
        return this;
    }
}
