package org.vnd.sys.abi;

import java.nio.ByteBuffer;

/**
 * The driver's table of requests by tag, struct ublksrv_io_desc, in memory shared with it.
 *
 * <pre>
 *    0               2               4               6               8
 *   +-------------------------------+-------------------------------+
 *   | operation 0-7, flags 8-31     | nr_sectors                    |   0
 *   +-------------------------------+-------------------------------+
 *   | start_sector                                                  |   8
 *   +---------------------------------------------------------------+
 *   | addr                                                          |  16
 *   +---------------------------------------------------------------+
 * </pre>
 */
public final class UblkDescriptor {
    public static final int SIZE_BYTES = 24;

    public static final int UBLK_IO_OP_READ = 0;
    public static final int UBLK_IO_OP_WRITE = 1;
    public static final int UBLK_IO_OP_FLUSH = 2;
    public static final int UBLK_IO_OP_DISCARD = 3;
    public static final int UBLK_IO_OP_WRITE_ZEROES = 5;

    private static final int OPERATION_MASK = 0xff;
    private static final int UBLK_IO_F_FUA = 1 << 13;
    private static final int UBLK_IO_F_NOUNMAP = 1 << 15;

    private static final int NR_SECTORS_OFFSET = 4;
    private static final int START_SECTOR_OFFSET = 8;

    private UblkDescriptor() {}

    public static int operation(ByteBuffer table, int tag) {
        return table.getInt(tag * SIZE_BYTES) & OPERATION_MASK;
    }

    public static boolean forceUnitAccess(ByteBuffer table, int tag) {
        return (table.getInt(tag * SIZE_BYTES) & UBLK_IO_F_FUA) != 0;
    }

    /** Of writing zeroes: the range must stay allocated. */
    public static boolean noUnmap(ByteBuffer table, int tag) {
        return (table.getInt(tag * SIZE_BYTES) & UBLK_IO_F_NOUNMAP) != 0;
    }

    public static long lengthBytes(ByteBuffer table, int tag) {
        return Integer.toUnsignedLong(table.getInt(tag * SIZE_BYTES + NR_SECTORS_OFFSET))
                << UblkParameters.SECTOR_SHIFT;
    }

    public static long offsetBytes(ByteBuffer table, int tag) {
        return table.getLong(tag * SIZE_BYTES + START_SECTOR_OFFSET) << UblkParameters.SECTOR_SHIFT;
    }
}
