package org.vnd.sys.abi;

import java.nio.ByteBuffer;

/**
 * A submission queue entry, struct io_uring_sqe of include/uapi/linux/io_uring.h, in native byte order:
 *
 * <pre>
 *   0        1        2                 4                                   8
 *  +--------+--------+-----------------+-----------------------------------+
 *  | opcode | flags  | ioprio          | fd                                |  0
 *  +--------+--------+-----------------+-----------------------------------+
 *  | off                                                                   |  8
 *  +-----------------------------------------------------------------------+
 *  | addr                                                                  | 16
 *  +-----------------------------------+-----------------------------------+
 *  | len                               | rw_flags, msg_flags, …            | 24
 *  +-----------------------------------+-----------------------------------+
 *  | user_data                                                             | 32
 *  +-----------------+-----------------+-----------------------------------+
 *  | buf_index       | personality     | file_index                        | 40
 *  +-----------------+-----------------+-----------------------------------+
 *  | addr3, reserved; or cmd, what a command of a driver is given           | 48
 *  +-----------------------------------------------------------------------+
 * </pre>
 */
public final class IoUringSqe {
    public static final int SIZE_BYTES = 64;
    public static final int OPCODE_OFFSET = 0;
    public static final int FLAGS_OFFSET = 1;
    public static final int FD_OFFSET = 4;
    public static final int OFF_OFFSET = 8;
    public static final int ADDR_OFFSET = 16;
    public static final int LEN_OFFSET = 24;
    public static final int OP_FLAGS_OFFSET = 28;
    public static final int USER_DATA_OFFSET = 32;
    public static final int BUF_INDEX_OFFSET = 40;
    public static final int CMD_OFFSET = 48;

    private IoUringSqe() {}

    /** Writes a whole entry at {@code index}; what isn't named is zero, as most operations insist on. */
    public static void encode(
            ByteBuffer entries,
            int index,
            int opcode,
            int flags,
            int fd,
            long offset,
            long address,
            int length,
            int operationFlags,
            long userData,
            int bufferIndex) {

        entries.putLong(index, 0);
        entries.put(index + OPCODE_OFFSET, (byte) opcode);
        entries.put(index + FLAGS_OFFSET, (byte) flags);
        entries.putInt(index + FD_OFFSET, fd);
        entries.putLong(index + OFF_OFFSET, offset);
        entries.putLong(index + ADDR_OFFSET, address);
        entries.putInt(index + LEN_OFFSET, length);
        entries.putInt(index + OP_FLAGS_OFFSET, operationFlags);
        entries.putLong(index + USER_DATA_OFFSET, userData);
        entries.putLong(index + BUF_INDEX_OFFSET, 0);
        entries.putShort(index + BUF_INDEX_OFFSET, (short) bufferIndex);
        entries.putLong(index + 48, 0);
        entries.putLong(index + 56, 0);
    }
}
