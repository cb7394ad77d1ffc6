package org.vnd.sys.abi;

/**
 * struct statx, include/uapi/linux/stat.h: what a file is. Of its 256 bytes:
 *
 * <pre>
 *   0 mask u32              which fields are valid, MASK_*
 *   4 blksize u32
 *   8 attributes u64        ATTRIBUTE_*
 *  28 mode u16
 *  32 ino u64
 *  40 size u64
 *  48 blocks u64           of 512 bytes, what it takes of its file system
 *  96 ctime               seconds i64, nanoseconds u32
 * 112 mtime               the same
 * 128 rdev_major u32        of a device node
 * 132 rdev_minor u32
 * 136 dev_major u32         the device the file is on
 * 140 dev_minor u32
 * 144 mnt_id u64            as in /proc/self/mountinfo
 * 152 dio_mem_align u32     what O_DIRECT asks of the address; 0 if it can't be had
 * 156 dio_offset_align u32  and of offset and length
 * </pre>
 */
public final class Statx {
    public static final int SIZE_BYTES = 256;
    public static final int MASK_OFFSET = 0;
    public static final int ATTRIBUTES_OFFSET = 8;
    public static final int NLINK_OFFSET = 16;
    public static final int MODE_OFFSET = 28;
    public static final int INO_OFFSET = 32;
    public static final int SIZE_OFFSET = 40;
    public static final int BLOCKS_OFFSET = 48;
    public static final int CTIME_OFFSET = 96;
    public static final int MTIME_OFFSET = 112;
    public static final int RDEV_MAJOR_OFFSET = 128;
    public static final int RDEV_MINOR_OFFSET = 132;
    public static final int DEV_MAJOR_OFFSET = 136;
    public static final int DEV_MINOR_OFFSET = 140;
    public static final int MNT_ID_OFFSET = 144;
    public static final int DIO_MEM_ALIGN_OFFSET = 152;
    public static final int DIO_OFFSET_ALIGN_OFFSET = 156;

    public static final int MASK_BASIC_STATS = 0x7ff;
    /** Linux 5.8. */
    public static final int MASK_SIZE = 0x200;

    public static final int MASK_MNT_ID = 0x1000;
    /** Linux 6.1. */
    public static final int MASK_DIOALIGN = 0x2000;

    public static final int ATTRIBUTE_IMMUTABLE = 0x10;
    public static final int ATTRIBUTE_ENCRYPTED = 0x800;
    public static final int ATTRIBUTE_VERITY = 0x100000;
    public static final int ATTRIBUTE_DAX = 0x200000;

    // S_IFMT and its values, of mode
    public static final int MODE_TYPE = 0xF000;
    public static final int MODE_REGULAR = 0x8000;
    public static final int MODE_BLOCK_DEVICE = 0x6000;

    private Statx() {}
}
