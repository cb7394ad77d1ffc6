package org.vnd.sys.abi;

/** struct statfs, include/uapi/asm-generic/statfs.h, on 64-bit machines: 64-bit words of it. */
public final class Statfs {
    public static final int SIZE_BYTES = 120;
    public static final int F_TYPE_OFFSET = 0;
    public static final int F_BSIZE_OFFSET = 8;
    /** All blocks of F_BSIZE, 0 where nobody has said how many there may be. */
    public static final int F_BLOCKS_OFFSET = 16;

    /** Free blocks of F_BSIZE, those that are kept for root among them. */
    public static final int F_BFREE_OFFSET = 24;

    public static final int F_BAVAIL_OFFSET = 32;
    /** Which file system it is, as it says itself. */
    public static final int F_FSID_OFFSET = 56;

    // include/uapi/linux/magic.h: what f_type is. Of ext2 and ext3 too.
    public static final int EXT4_SUPER_MAGIC = 0xEF53;
    public static final int XFS_SUPER_MAGIC = 0x58465342;
    public static final int BTRFS_SUPER_MAGIC = 0x9123683E;
    public static final int OVERLAYFS_SUPER_MAGIC = 0x794C7630;
    public static final int TMPFS_MAGIC = 0x01021994;

    private Statfs() {}
}
