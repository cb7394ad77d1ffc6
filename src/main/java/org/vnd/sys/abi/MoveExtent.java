package org.vnd.sys.abi;

/**
 * struct move_extent, fs/ext4/ext4.h: two files of an ext4 exchange blocks of a range, with what is in them. All but the
 * descriptor are numbers of file system blocks.
 */
public final class MoveExtent {
    public static final int SIZE_BYTES = 40;
    public static final int DONOR_FD_OFFSET = 4;
    public static final int ORIG_START_OFFSET = 8;
    public static final int DONOR_START_OFFSET = 16;
    public static final int LEN_OFFSET = 24;
    /** The kernel's answer; it may be less than what was asked for. */
    public static final int MOVED_LEN_OFFSET = 32;

    /** _IOWR('f', 15, struct move_extent). */
    public static final long EXT4_IOC_MOVE_EXT = 0xC028660FL;

    private MoveExtent() {}
}
