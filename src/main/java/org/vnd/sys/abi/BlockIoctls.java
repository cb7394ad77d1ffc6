package org.vnd.sys.abi;

/** Ioctls of block devices, include/uapi/linux/fs.h. */
public final class BlockIoctls {
    /** Writes the logical block size, bytes, to an int. */
    public static final long BLKSSZGET = 0x1268;
    /** Writes the size, bytes, to a 64-bit word. */
    public static final long BLKGETSIZE64 = 0x80081272L;

    private BlockIoctls() {}
}
