package org.vnd.sys.abi;

/** struct loop_info64 and the ioctl that reads it, include/uapi/linux/loop.h. Sizes and offsets in bytes. */
public final class LoopInfo {
    public static final int SIZE_BYTES = 232;
    /** Of the backing file, where that is a device: its number as makedev(3) packs it. */
    public static final int RDEVICE_OFFSET = 16;

    public static final int OFFSET_OFFSET = 24;

    public static final long LOOP_GET_STATUS64 = 0x4C05;

    private LoopInfo() {}
}
