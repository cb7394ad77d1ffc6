package org.vnd.sys.abi;

/**
 * struct fiemap_extent, include/uapi/linux/fiemap.h: one run of blocks.
 *
 * <pre>
 *  0 logical u64     offset in the file in bytes
 *  8 physical u64    offset on the device in bytes
 * 16 length u64      bytes
 * 24 reserved u64[2]
 * 40 flags u32
 * 44 reserved u32[3]
 * </pre>
 */
public final class FiemapExtent {
    public static final int SIZE_BYTES = 56;
    public static final int LOGICAL_OFFSET = 0;
    public static final int PHYSICAL_OFFSET = 8;
    public static final int LENGTH_OFFSET = 16;
    public static final int FLAGS_OFFSET = 40;

    public static final int LAST = 0x1;
    public static final int UNKNOWN = 0x2;
    public static final int DELALLOC = 0x4;
    public static final int ENCODED = 0x8;
    public static final int DATA_ENCRYPTED = 0x80;
    public static final int NOT_ALIGNED = 0x100;
    public static final int DATA_INLINE = 0x200;
    public static final int DATA_TAIL = 0x400;
    public static final int UNWRITTEN = 0x800;
    public static final int MERGED = 0x1000;
    public static final int SHARED = 0x2000;

    private FiemapExtent() {}
}
