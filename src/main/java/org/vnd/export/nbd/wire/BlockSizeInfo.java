package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * Sizes of requests; proto.md, NBD_INFO_BLOCK_SIZE.
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------+-------------------------------+---------------+
 *   | type 3        | minimum block size            | preferred     |   0
 *   +---------------+-------------------------------+---------------+
 *   | block size    | maximum payload size          |                   8
 *   +---------------+-------------------------------+
 * </pre>
 */
public final class BlockSizeInfo extends Flyweight {
    public static final int SIZE_BYTES = 14;

    private static final int TYPE_OFFSET = 0;
    private static final int MINIMUM_OFFSET = 2;
    private static final int PREFERRED_OFFSET = 6;
    private static final int MAXIMUM_OFFSET = 10;

    /** Lays it over {@code bytes} from index {@code at}. */
    public BlockSizeInfo wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public int type() {
        return buffer.getShort(offset + TYPE_OFFSET) & 0xffff;
    }

    public BlockSizeInfo type(int value) {
        buffer.putShort(offset + TYPE_OFFSET, (short) value);
        return this;
    }

    public int minimumBytes() {
        return buffer.getInt(offset + MINIMUM_OFFSET);
    }

    public BlockSizeInfo minimumBytes(int value) {
        buffer.putInt(offset + MINIMUM_OFFSET, value);
        return this;
    }

    public int preferredBytes() {
        return buffer.getInt(offset + PREFERRED_OFFSET);
    }

    public BlockSizeInfo preferredBytes(int value) {
        buffer.putInt(offset + PREFERRED_OFFSET, value);
        return this;
    }

    public int maximumPayloadBytes() {
        return buffer.getInt(offset + MAXIMUM_OFFSET);
    }

    public BlockSizeInfo maximumPayloadBytes(int value) {
        buffer.putInt(offset + MAXIMUM_OFFSET, value);
        return this;
    }
}
