package org.vnd.sys.abi;

/**
 * struct fiemap, include/uapi/linux/fiemap.h: the request and the head of the answer of FS_IOC_FIEMAP. An array of
 * {@link FiemapExtent} follows it.
 *
 * <pre>
 *  0 start u64             in: first byte wanted
 *  8 length u64            in: bytes wanted
 * 16 flags u32             in: FLAG_*
 * 20 mapped_extents u32    out: extents in the array
 * 24 extent_count u32      in: room in the array
 * 28 reserved u32
 * 32 extents[]
 * </pre>
 */
public final class Fiemap {
    public static final int SIZE_BYTES = 32;
    public static final int START_OFFSET = 0;
    public static final int LENGTH_OFFSET = 8;
    public static final int FLAGS_OFFSET = 16;
    public static final int MAPPED_EXTENTS_OFFSET = 20;
    public static final int EXTENT_COUNT_OFFSET = 24;
    public static final int EXTENTS_OFFSET = 32;

    /** Write out dirty data first, so that nothing is without a place. */
    public static final int FLAG_SYNC = 0x1;

    /** The number of the ioctl, include/uapi/linux/fs.h. */
    public static final long FS_IOC_FIEMAP = 0xC020660BL;

    private Fiemap() {}
}
