package org.vnd.sys.abi;

/**
 * struct loop_config with the struct loop_info64 in it, and the ioctls of /dev/loop-control and loop devices,
 * include/uapi/linux/loop.h.
 */
public final class LoopConfig {
    public static final int SIZE_BYTES = 304;
    public static final int FD_OFFSET = 0;
    /** The device's logical block, bytes. */
    public static final int BLOCK_SIZE_OFFSET = 4;

    public static final int INFO_OFFSET = 8;

    /** Set, with the backing file and all else, in one step; Linux 5.8. */
    public static final long LOOP_CONFIGURE = 0x4C0A;

    public static final long LOOP_CLR_FD = 0x4C01;
    public static final long LOOP_GET_STATUS64 = 0x4C05;
    /** Of /dev/loop-control: the number of a device that nobody uses, made if there is none. */
    public static final long LOOP_CTL_GET_FREE = 0x4C82;

    private LoopConfig() {}
}
