package org.vnd.export.ublk.wire;

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
public final class Descriptor {
    public static final int SIZE_BYTES = 24;

    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int FLUSH = 2;
    public static final int DISCARD = 3;
    public static final int WRITE_ZEROES = 5;

    private static final int OPERATION_MASK = 0xff;
    private static final int FORCE_UNIT_ACCESS = 1 << 13;
    private static final int NO_UNMAP = 1 << 15;

    private static final int SECTORS_OFFSET = 4;
    private static final int START_OFFSET = 8;

    private Descriptor() {}

    public static int operation(ByteBuffer table, int tag) {
        return table.getInt(tag * SIZE_BYTES) & OPERATION_MASK;
    }

    public static boolean forceUnitAccess(ByteBuffer table, int tag) {
        return (table.getInt(tag * SIZE_BYTES) & FORCE_UNIT_ACCESS) != 0;
    }

    /** Of writing zeroes: the range must stay allocated. */
    public static boolean noUnmap(ByteBuffer table, int tag) {
        return (table.getInt(tag * SIZE_BYTES) & NO_UNMAP) != 0;
    }

    public static long lengthBytes(ByteBuffer table, int tag) {
        return Integer.toUnsignedLong(table.getInt(tag * SIZE_BYTES + SECTORS_OFFSET)) << Parameters.SECTOR_SHIFT;
    }

    public static long offsetBytes(ByteBuffer table, int tag) {
        return table.getLong(tag * SIZE_BYTES + START_OFFSET) << Parameters.SECTOR_SHIFT;
    }
}
