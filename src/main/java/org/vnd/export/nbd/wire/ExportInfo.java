package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;

/**
 * Size and abilities of an export; proto.md, NBD_INFO_EXPORT. Without the first two bytes it is also the answer to
 * NBD_OPT_EXPORT_NAME.
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------+-----------------------------------------------+
 *   | type 0        | size of the export in bytes …                 |   0
 *   +---------------+---------------+-------------------------------+
 *   | …             | flags         |                                   8
 *   +---------------+---------------+
 * </pre>
 */
public final class ExportInfo extends Flyweight {
    public static final int SIZE_BYTES = 12;

    private static final int TYPE_OFFSET = 0;
    private static final int SIZE_OFFSET = 2;
    private static final int FLAGS_OFFSET = 10;

    /** Lays it over {@code bytes} from index {@code at}. */
    public ExportInfo wrap(ByteBuffer bytes, int at) {
        lay(bytes, at);
        return this;
    }

    public int type() {
        return buffer.getShort(offset + TYPE_OFFSET) & 0xffff;
    }

    public ExportInfo type(int value) {
        buffer.putShort(offset + TYPE_OFFSET, (short) value);
        return this;
    }

    public long sizeBytes() {
        return buffer.getLong(offset + SIZE_OFFSET);
    }

    public ExportInfo sizeBytes(long value) {
        buffer.putLong(offset + SIZE_OFFSET, value);
        return this;
    }

    public int transmissionFlags() {
        return buffer.getShort(offset + FLAGS_OFFSET) & 0xffff;
    }

    public ExportInfo transmissionFlags(int value) {
        buffer.putShort(offset + FLAGS_OFFSET, (short) value);
        return this;
    }
}
