package org.vnd.export.ublk.wire;

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
public final class ControlCommand {
    public static final int SIZE_BYTES = 32;

    private static final int DEVICE_OFFSET = 0;
    private static final int QUEUE_OFFSET = 4;
    private static final int LENGTH_OFFSET = 6;
    private static final int ADDRESS_OFFSET = 8;
    private static final int DATA_OFFSET = 16;

    /** The queue of a command that is of the whole device. */
    private static final short NO_QUEUE = -1;

    private ControlCommand() {}

    /** Writes one for {@code device} with the buffer that it reads or fills, and a number. */
    public static void encode(ByteBuffer bytes, int device, long address, int lengthBytes, long data) {
        bytes.putInt(DEVICE_OFFSET, device);
        bytes.putShort(QUEUE_OFFSET, NO_QUEUE);
        bytes.putShort(LENGTH_OFFSET, (short) lengthBytes);
        bytes.putLong(ADDRESS_OFFSET, address);
        bytes.putLong(DATA_OFFSET, data);
    }
}
