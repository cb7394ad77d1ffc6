package org.vnd.sys.abi;

import java.nio.ByteBuffer;

/**
 * What a control command is given, struct ublksrv_ctrl_cmd.
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+---------------+---------------+
 *   | dev_id                        | queue_id      | len           |   0
 *   +-------------------------------+---------------+---------------+
 *   | addr                                                          |   8
 *   +---------------------------------------------------------------+
 *   | data                                                          |  16
 *   +---------------+---------------+-------------------------------+
 *   | dev_path_len  | pad           | reserved                      |  24
 *   +---------------+---------------+-------------------------------+
 * </pre>
 */
public final class UblkControlCommand {
    public static final int SIZE_BYTES = 32;

    private static final int DEV_ID_OFFSET = 0;
    private static final int QUEUE_ID_OFFSET = 4;
    private static final int LEN_OFFSET = 6;
    private static final int ADDR_OFFSET = 8;
    private static final int DATA_OFFSET = 16;

    /** The queue of a command that is of the whole device. */
    private static final int NO_QUEUE = -1;

    private UblkControlCommand() {}

    /** Writes one for {@code device} with the buffer that it reads or fills, and a number. */
    public static void encode(ByteBuffer bytes, int device, long address, int lengthBytes, long data) {
        bytes.putInt(DEV_ID_OFFSET, device);
        bytes.putShort(QUEUE_ID_OFFSET, (short) NO_QUEUE);
        bytes.putShort(LEN_OFFSET, (short) lengthBytes);
        bytes.putLong(ADDR_OFFSET, address);
        bytes.putLong(DATA_OFFSET, data);
    }
}
