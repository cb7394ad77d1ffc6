package org.vnd.export.fuse;

import java.nio.ByteBuffer;
import org.vnd.block.Status;
import org.vnd.sys.Errno;
import org.vnd.sys.abi.FuseOutHeader;

/** A reply as it is written, header and all but the data of a READ. There is one at a time: it is sent as soon as it is made. */
final class Reply {
    /** Room for every reply: the longest are the entry of a LOOKUP and the names of the folder. */
    static final int AREA_BYTES = 512;

    /** What of it is for arguments. */
    static final int ARGUMENT_LIMIT_BYTES = AREA_BYTES - FuseOutHeader.SIZE_BYTES;

    private final ByteBuffer area;

    Reply(ByteBuffer area) {
        assert area.capacity() == AREA_BYTES;
        this.area = area;
    }

    /** What the kernel is told of a request that ended so. */
    static int errno(Status status) {
        return switch (status) {
            case OK -> 0;
            case NO_SPACE -> Errno.ENOSPC;
            case READ_ONLY -> Errno.EROFS;
            case INVALID -> Errno.EINVAL;
            case NOT_SUPPORTED -> Errno.EOPNOTSUPP;
            case IO_ERROR, SHUTTING_DOWN -> Errno.EIO;
        };
    }

    /** The reply as it is sent. */
    ByteBuffer area() {
        return area;
    }

    /** Begins a reply whose arguments, {@code bytes} of them, are zero. */
    Reply clear(int bytes) {
        for (int at = 0; at < bytes; at++) {
            area.put(FuseOutHeader.SIZE_BYTES + at, (byte) 0);
        }
        return this;
    }

    Reply putByte(int offset, byte value) {
        area.put(FuseOutHeader.SIZE_BYTES + offset, value);
        return this;
    }

    Reply putShort(int offset, int value) {
        area.putShort(FuseOutHeader.SIZE_BYTES + offset, (short) value);
        return this;
    }

    Reply putInt(int offset, int value) {
        area.putInt(FuseOutHeader.SIZE_BYTES + offset, value);
        return this;
    }

    Reply putLong(int offset, long value) {
        area.putLong(FuseOutHeader.SIZE_BYTES + offset, value);
        return this;
    }

    /** Writes the header; how long the reply is without its data. */
    int finish(long unique, int error, int argumentBytes, int dataBytes) {
        int length = FuseOutHeader.SIZE_BYTES + argumentBytes;
        area.putInt(FuseOutHeader.LEN_OFFSET, length + dataBytes);
        area.putInt(FuseOutHeader.ERROR_OFFSET, -error);
        area.putLong(FuseOutHeader.UNIQUE_OFFSET, unique);
        return length;
    }
}
