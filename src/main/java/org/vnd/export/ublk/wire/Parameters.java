package org.vnd.export.ublk.wire;

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
public final class Parameters {
    public static final int SIZE_BYTES = 60;
    /** The unit of every count of sectors, whatever the device's own sectors are. */
    public static final int SECTOR_SHIFT = 9;

    private static final int LENGTH_OFFSET = 0;
    private static final int TYPES_OFFSET = 4;
    private static final int ATTRIBUTES_OFFSET = 8;
    private static final int LOGICAL_SHIFT_OFFSET = 12;
    private static final int PHYSICAL_SHIFT_OFFSET = 13;
    private static final int OPTIMAL_SHIFT_OFFSET = 14;
    private static final int MINIMUM_SHIFT_OFFSET = 15;
    private static final int MAXIMUM_SECTORS_OFFSET = 16;
    private static final int DEVICE_SECTORS_OFFSET = 24;
    private static final int DISCARD_GRANULARITY_OFFSET = 44;
    private static final int DISCARD_SECTORS_OFFSET = 48;
    private static final int ZEROES_SECTORS_OFFSET = 52;
    private static final int DISCARD_SEGMENTS_OFFSET = 56;

    /** UBLK_PARAM_TYPE_BASIC, UBLK_PARAM_TYPE_DISCARD. */
    private static final int TYPES = 1 << 0 | 1 << 1;

    private static final int READ_ONLY = 1 << 0;
    private static final int VOLATILE_CACHE = 1 << 2;
    private static final int FORCE_UNIT_ACCESS = 1 << 3;

    private Parameters() {}

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
        bytes.putInt(LENGTH_OFFSET, SIZE_BYTES);
        bytes.putInt(TYPES_OFFSET, TYPES);
        bytes.putInt(ATTRIBUTES_OFFSET, VOLATILE_CACHE | FORCE_UNIT_ACCESS | (readOnly ? READ_ONLY : 0));
        bytes.put(LOGICAL_SHIFT_OFFSET, shift);
        bytes.put(PHYSICAL_SHIFT_OFFSET, shift);
        bytes.put(OPTIMAL_SHIFT_OFFSET, shift);
        bytes.put(MINIMUM_SHIFT_OFFSET, shift);
        bytes.putInt(MAXIMUM_SECTORS_OFFSET, transferBytes >> SECTOR_SHIFT);
        bytes.putLong(DEVICE_SECTORS_OFFSET, sizeBytes >> SECTOR_SHIFT);
        bytes.putInt(DISCARD_GRANULARITY_OFFSET, sectorBytes);
        bytes.putInt(DISCARD_SECTORS_OFFSET, (int) (discardBytes >> SECTOR_SHIFT));
        bytes.putInt(ZEROES_SECTORS_OFFSET, (int) (zeroesBytes >> SECTOR_SHIFT));
        // The driver takes no other number of ranges in a discard.
        bytes.putShort(DISCARD_SEGMENTS_OFFSET, (short) 1);
    }
}
