package org.vnd.export.fuse;

import java.nio.ByteBuffer;
import org.vnd.sys.abi.FuseFallocateIn;
import org.vnd.sys.abi.FuseInHeader;
import org.vnd.sys.abi.FuseLseekIn;
import org.vnd.sys.abi.FuseOpcode;
import org.vnd.sys.abi.FuseOpenIn;
import org.vnd.sys.abi.FuseReadIn;
import org.vnd.sys.abi.FuseRing;
import org.vnd.sys.abi.FuseSetattrIn;
import org.vnd.sys.abi.FuseWriteIn;

/**
 * A message of the kernel, laid over the memory it arrived in. That is two parts: what every WRITE begins with goes to the
 * first, so that the data that follows goes to the second, which is aligned. Arguments of others that are longer go on in
 * the second part; {@link #arrived} puts them together.
 */
final class Request {
    /** What can be answered: a whole header. */
    static final int LEAST_BYTES = FuseInHeader.SIZE_BYTES;

    /** The first part: all of a WRITE but its data. */
    static final int HEADER_PART_BYTES = FuseInHeader.SIZE_BYTES + FuseWriteIn.SIZE_BYTES;

    /**
     * Room for the arguments of every message that is looked into: the longest are those of LOOKUP, a name of at most 255
     * bytes (NAME_MAX) and its zero.
     */
    static final int AREA_BYTES = 512;

    private final ByteBuffer area;
    private int lengthBytes;

    /** Messages whose first part is at the beginning of {@code area}, in the machine's byte order. */
    Request(ByteBuffer area) {
        assert area.capacity() == AREA_BYTES;
        this.area = area;
    }

    /**
     * A message of {@code count} bytes has arrived, what is beyond the first part from {@code index} of {@code data} on.
     * Whether it is whole.
     */
    boolean arrived(int count, ByteBuffer data, int index) {
        lengthBytes = count;
        if (count < LEAST_BYTES || area.getInt(FuseInHeader.LEN_OFFSET) != count) {
            return false;
        }
        int rest = Math.min(count, AREA_BYTES) - HEADER_PART_BYTES;
        if (rest > 0 && opcode() != FuseOpcode.FUSE_WRITE) {
            area.put(HEADER_PART_BYTES, data, index, rest);
        }
        return true;
    }

    /**
     * The same for a request that came by an entry of a ring: its header at {@code at} of {@code headers}, the rest from
     * {@code index} of {@code data} on. See {@link FuseRing}.
     */
    boolean arrived(ByteBuffer headers, int at, ByteBuffer data, int index) {
        area.put(0, headers, at + FuseRing.IN_OUT_OFFSET, FuseInHeader.SIZE_BYTES);
        lengthBytes = area.getInt(FuseInHeader.LEN_OFFSET);
        int payload = headers.getInt(at + FuseRing.PAYLOAD_SZ_OFFSET);
        int fixed = lengthBytes - FuseInHeader.SIZE_BYTES - payload;
        if (payload < 0 || fixed < 0 || fixed > FuseRing.OP_IN_SIZE_BYTES) {
            return false;
        }
        area.put(FuseInHeader.SIZE_BYTES, headers, at + FuseRing.OP_IN_OFFSET, fixed);
        if (opcode() != FuseOpcode.FUSE_WRITE) {
            int rest = Math.min(payload, AREA_BYTES - FuseInHeader.SIZE_BYTES - fixed);
            area.put(FuseInHeader.SIZE_BYTES + fixed, data, index, rest);
        }
        return opcode() != FuseOpcode.FUSE_WRITE || fixed == FuseWriteIn.SIZE_BYTES;
    }

    int opcode() {
        return area.getInt(FuseInHeader.OPCODE_OFFSET);
    }

    /** The kernel's name for the request. */
    long unique() {
        return area.getLong(FuseInHeader.UNIQUE_OFFSET);
    }

    /** The inode it is about. */
    long node() {
        return area.getLong(FuseInHeader.NODEID_OFFSET);
    }

    /** What follows the header, in bytes. */
    int argumentBytes() {
        return lengthBytes - FuseInHeader.SIZE_BYTES;
    }

    /** Whether there are as many as its opcode needs. */
    boolean hasArguments() {
        return argumentBytes() >= leastArgumentBytes(opcode());
    }

    private static int leastArgumentBytes(int opcode) {
        switch (opcode) {
            case FuseOpcode.FUSE_INIT:
                return Handshake.LEAST_BYTES;
            case FuseOpcode.FUSE_SETATTR:
                return FuseSetattrIn.SIZE_BYTES;
            case FuseOpcode.FUSE_OPEN:
                return FuseOpenIn.SIZE_BYTES;
            case FuseOpcode.FUSE_READ, FuseOpcode.FUSE_READDIR:
                return FuseReadIn.SIZE_BYTES;
            case FuseOpcode.FUSE_WRITE:
                return FuseWriteIn.SIZE_BYTES;
            case FuseOpcode.FUSE_FALLOCATE:
                return FuseFallocateIn.SIZE_BYTES;
            case FuseOpcode.FUSE_LSEEK:
                return FuseLseekIn.SIZE_BYTES;
            default:
                return 0;
        }
    }

    /** A field of the arguments. */
    int intAt(int offset) {
        return area.getInt(FuseInHeader.SIZE_BYTES + offset);
    }

    /** A field of the arguments. */
    long longAt(int offset) {
        return area.getLong(FuseInHeader.SIZE_BYTES + offset);
    }

    /** Whether the arguments are {@code name} and its zero. */
    boolean isName(byte[] name) {
        if (argumentBytes() != name.length + 1) {
            return false;
        }
        int at = FuseInHeader.SIZE_BYTES;
        for (byte character : name) {
            if (area.get(at++) != character) {
                return false;
            }
        }
        return area.get(at) == 0;
    }
}
