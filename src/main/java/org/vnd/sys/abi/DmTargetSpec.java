package org.vnd.sys.abi;

/**
 * struct dm_target_spec, a line of a device mapper's table, include/uapi/linux/dm-ioctl.h. Its parameters follow as a
 * C string. Offsets in bytes, places on the device in sectors of 512 bytes.
 */
public final class DmTargetSpec {
    public static final int SIZE_BYTES = 40;
    public static final int SECTOR_START_OFFSET = 0;
    public static final int LENGTH_OFFSET = 8;
    /**
     * To the next one, bytes: from the beginning of this one in a table that is loaded, from the beginning of the first in
     * a table that is read.
     */
    public static final int NEXT_OFFSET = 20;

    public static final int TARGET_TYPE_OFFSET = 24;

    /** Bytes, with the zero at the end. */
    public static final int DM_MAX_TYPE_NAME = 16;

    private DmTargetSpec() {}
}
