package org.vnd.sys.abi;

/**
 * struct dm_ioctl, with which every command to the device mapper begins and every answer of it, and those commands,
 * include/uapi/linux/dm-ioctl.h. Offsets in bytes.
 */
public final class DmIoctl {
    public static final int SIZE_BYTES = 312;
    /** Three words: what the caller was written for, and in the answer what the kernel has. */
    public static final int VERSION_OFFSET = 0;
    /** Of the struct and all that follows it, bytes; in the answer, what is filled. */
    public static final int DATA_SIZE_OFFSET = 12;
    /** From the beginning of the struct to what follows it, bytes. */
    public static final int DATA_START_OFFSET = 16;

    public static final int TARGET_COUNT_OFFSET = 20;
    /** How often the device is open, by whomever. */
    public static final int OPEN_COUNT_OFFSET = 24;

    public static final int FLAGS_OFFSET = 28;
    public static final int EVENT_NR_OFFSET = 32;
    /** The number of the device, packed as makedev(3) does. */
    public static final int DEV_OFFSET = 40;

    public static final int NAME_OFFSET = 48;
    public static final int UUID_OFFSET = 176;

    /** With the zero at the end, bytes. */
    public static final int DM_NAME_LEN = 128;

    public static final int DM_UUID_LEN = 129;

    /** Of the interface: kernels of another one refuse everything. */
    public static final int DM_VERSION_MAJOR = 4;

    public static final long DM_LIST_DEVICES = 0xC138FD02L;
    public static final long DM_DEV_CREATE = 0xC138FD03L;
    public static final long DM_DEV_REMOVE = 0xC138FD04L;
    /** Suspends; without DM_SUSPEND_FLAG it puts the loaded table to work and resumes. */
    public static final long DM_DEV_SUSPEND = 0xC138FD06L;

    public static final long DM_DEV_STATUS = 0xC138FD07L;
    public static final long DM_TABLE_LOAD = 0xC138FD09L;
    public static final long DM_TABLE_STATUS = 0xC138FD0CL;

    public static final int DM_READONLY_FLAG = 1;
    public static final int DM_SUSPEND_FLAG = 1 << 1;
    /** The table, not what its targets have to report. */
    public static final int DM_STATUS_TABLE_FLAG = 1 << 4;
    /** A table has been loaded that isn't at work yet. */
    public static final int DM_INACTIVE_PRESENT_FLAG = 1 << 6;
    /** The answer didn't fit. */
    public static final int DM_BUFFER_FULL_FLAG = 1 << 8;
    /** Suspends without freezing the file system on top. */
    public static final int DM_SKIP_LOCKFS_FLAG = 1 << 10;
    /** Suspends, or tells the status, without waiting for anything to be written. */
    public static final int DM_NOFLUSH_FLAG = 1 << 11;
    /** A device in use is removed when its last user has closed it; Linux 3.13. */
    public static final int DM_DEFERRED_REMOVE = 1 << 17;

    private DmIoctl() {}
}
