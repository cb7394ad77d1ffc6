package org.vnd.sys.abi;

import java.nio.ByteBuffer;

/**
 * What a device looks like, struct ublk_params up to its part about discarding.
 *
 * <pre>
 *    0               2               4       5       6       7       8
 *   +-------------------------------+-------------------------------+
 *   | len                           | types                         |   0
 *   +-------------------------------+-------+-------+-------+-------+
 *   | attrs                         | logic | phys  | opt   | min   |   8  shifts
 *   +-------------------------------+-------+-------+-------+-------+
 *   | max_sectors                   | chunk_sectors                 |  16
 *   +-------------------------------+-------------------------------+
 *   | dev_sectors                                                   |  24
 *   +---------------------------------------------------------------+
 *   | virt_boundary_mask                                            |  32
 *   +-------------------------------+-------------------------------+
 *   | discard_alignment             | discard_granularity           |  40
 *   +-------------------------------+-------------------------------+
 *   | max_discard_sectors           | max_write_zeroes_sectors      |  48
 *   +---------------+---------------+-------------------------------+
 *   | max_segments  | reserved      |                                  56
 *   +---------------+---------------+
 * </pre>
 */
public final class UblkParameters {
    public static final int SIZE_BYTES = 60;
    /** The unit of every count of sectors, whatever the device's own sectors are. */
    public static final int SECTOR_SHIFT = 9;

    private static final int LEN_OFFSET = 0;
    private static final int TYPES_OFFSET = 4;
    private static final int ATTRS_OFFSET = 8;
    private static final int LOGICAL_BS_SHIFT_OFFSET = 12;
    private static final int PHYSICAL_BS_SHIFT_OFFSET = 13;
    private static final int IO_OPT_SHIFT_OFFSET = 14;
    private static final int IO_MIN_SHIFT_OFFSET = 15;
    private static final int MAX_SECTORS_OFFSET = 16;
    private static final int DEV_SECTORS_OFFSET = 24;
    private static final int DISCARD_GRANULARITY_OFFSET = 44;
    private static final int MAX_DISCARD_SECTORS_OFFSET = 48;
    private static final int MAX_WRITE_ZEROES_SECTORS_OFFSET = 52;
    private static final int MAX_DISCARD_SEGMENTS_OFFSET = 56;

    private static final int UBLK_PARAM_TYPE_BASIC = 1 << 0;
    private static final int UBLK_PARAM_TYPE_DISCARD = 1 << 1;

    private static final int UBLK_ATTR_READ_ONLY = 1 << 0;
    private static final int UBLK_ATTR_VOLATILE_CACHE = 1 << 2;
    private static final int UBLK_ATTR_FUA = 1 << 3;

    private UblkParameters() {}

    /**
     * Writes them. The device has a volatile cache that can be flushed and written through.
     *
     * @param sectorBytes its logical and physical blocks
     * @param discardBytes the most that one discard may name, 0 if there are none
     * @param zeroesBytes the same of writing zeroes
     */
    public static void encode(
            ByteBuffer bytes,
            long sizeBytes,
            int sectorBytes,
            boolean readOnly,
            int transferBytes,
            long discardBytes,
            long zeroesBytes) {

        byte shift = (byte) Integer.numberOfTrailingZeros(sectorBytes);
        bytes.putInt(LEN_OFFSET, SIZE_BYTES);
        bytes.putInt(TYPES_OFFSET, UBLK_PARAM_TYPE_BASIC | UBLK_PARAM_TYPE_DISCARD);
        bytes.putInt(ATTRS_OFFSET, UBLK_ATTR_VOLATILE_CACHE | UBLK_ATTR_FUA | (readOnly ? UBLK_ATTR_READ_ONLY : 0));
        bytes.put(LOGICAL_BS_SHIFT_OFFSET, shift);
        bytes.put(PHYSICAL_BS_SHIFT_OFFSET, shift);
        bytes.put(IO_OPT_SHIFT_OFFSET, shift);
        bytes.put(IO_MIN_SHIFT_OFFSET, shift);
        bytes.putInt(MAX_SECTORS_OFFSET, transferBytes >> SECTOR_SHIFT);
        bytes.putLong(DEV_SECTORS_OFFSET, sizeBytes >> SECTOR_SHIFT);
        bytes.putInt(DISCARD_GRANULARITY_OFFSET, sectorBytes);
        bytes.putInt(MAX_DISCARD_SECTORS_OFFSET, (int) (discardBytes >> SECTOR_SHIFT));
        bytes.putInt(MAX_WRITE_ZEROES_SECTORS_OFFSET, (int) (zeroesBytes >> SECTOR_SHIFT));
        // The driver takes no other number of ranges in a discard.
        bytes.putShort(MAX_DISCARD_SEGMENTS_OFFSET, (short) 1);
    }
}
