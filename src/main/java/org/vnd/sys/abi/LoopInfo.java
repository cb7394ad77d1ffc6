package org.vnd.sys.abi;

/** struct loop_info64, include/uapi/linux/loop.h. Sizes and offsets in bytes. */
public final class LoopInfo {
    public static final int SIZE_BYTES = 232;
    /** Of the backing file, where that is a device: its number as makedev(3) packs it. */
    public static final int RDEVICE_OFFSET = 16;

    public static final int OFFSET_OFFSET = 24;
    /** 0 is: to the end of the file. */
    public static final int SIZELIMIT_OFFSET = 32;

    public static final int FLAGS_OFFSET = 52;
    /** What people see of it, zero-terminated. */
    public static final int FILE_NAME_OFFSET = 56;

    public static final int LO_NAME_SIZE = 64;

    public static final int LO_FLAGS_READ_ONLY = 1;
    /** The kernel takes the device away when its last user closes it. */
    public static final int LO_FLAGS_AUTOCLEAR = 4;
    /** The kernel looks for partitions. */
    public static final int LO_FLAGS_PARTSCAN = 8;

    public static final int LO_FLAGS_DIRECT_IO = 16;

    private LoopInfo() {}
}
