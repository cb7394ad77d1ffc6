package org.vnd.sys.abi;

import java.nio.ByteBuffer;

/**
 * What a device is made from, struct ublksrv_ctrl_dev_info; the driver writes what it has made of it.
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------+---------------+---------------+---------------+
 *   | nr_hw_queues  | queue_depth   | state         | pad           |   0
 *   +---------------+---------------+---------------+---------------+
 *   | max_io_buf_bytes              | dev_id                        |   8
 *   +-------------------------------+-------------------------------+
 *   | ublksrv_pid                   | pad                           |  16
 *   +-------------------------------+-------------------------------+
 *   | flags                                                         |  24
 *   +---------------------------------------------------------------+
 *   | ublksrv_flags, owner_uid, owner_gid, reserved                 |  32
 *   +---------------------------------------------------------------+
 * </pre>
 */
public final class UblkDeviceInfo {
    public static final int SIZE_BYTES = 64;
    /** The number of a device that the driver shall choose. */
    public static final int ANY_DEVICE = -1;

    private static final int NR_HW_QUEUES_OFFSET = 0;
    private static final int QUEUE_DEPTH_OFFSET = 2;
    private static final int MAX_IO_BUF_BYTES_OFFSET = 8;
    private static final int DEV_ID_OFFSET = 12;
    private static final int UBLKSRV_PID_OFFSET = 16;
    private static final int FLAGS_OFFSET = 24;
    private static final int UBLKSRV_FLAGS_OFFSET = 32;

    private UblkDeviceInfo() {}

    /**
     * Writes one with one queue of {@code depth} requests, of which each moves at most {@code transferBytes}.
     *
     * @param mark is the server's own: the driver keeps it and tells it
     */
    public static void encode(ByteBuffer bytes, int depth, int transferBytes, long features, long mark) {
        bytes.putShort(NR_HW_QUEUES_OFFSET, (short) 1);
        bytes.putShort(QUEUE_DEPTH_OFFSET, (short) depth);
        bytes.putInt(MAX_IO_BUF_BYTES_OFFSET, transferBytes);
        bytes.putInt(DEV_ID_OFFSET, ANY_DEVICE);
        bytes.putLong(FLAGS_OFFSET, features);
        bytes.putLong(UBLKSRV_FLAGS_OFFSET, mark);
    }

    /** The device's number. */
    public static int device(ByteBuffer bytes) {
        return bytes.getInt(DEV_ID_OFFSET);
    }

    /** What its server has marked it with. */
    public static long mark(ByteBuffer bytes) {
        return bytes.getLong(UBLKSRV_FLAGS_OFFSET);
    }

    /** The process that serves it, or -1: also when that has ended, as soon as the driver has noticed. */
    public static int serverPid(ByteBuffer bytes) {
        return bytes.getInt(UBLKSRV_PID_OFFSET);
    }

    public static int depth(ByteBuffer bytes) {
        return bytes.getShort(QUEUE_DEPTH_OFFSET) & 0xffff;
    }

    public static long features(ByteBuffer bytes) {
        return bytes.getLong(FLAGS_OFFSET);
    }
}
