package org.vnd.sys.abi;

/** struct dm_name_list, of which DM_LIST_DEVICES answers one for each device, include/uapi/linux/dm-ioctl.h. Bytes. */
public final class DmNameList {
    /** Of the device, packed as makedev(3) does; 0 in the first one if there is no device. */
    public static final int DEV_OFFSET = 0;
    /** From the beginning of this one to the next; 0 in the last. */
    public static final int NEXT_OFFSET = 8;
    /** A C string. */
    public static final int NAME_OFFSET = 12;

    private DmNameList() {}
}
