package org.vnd.sys.abi;

/** What the family "nbd" is asked, include/uapi/linux/nbd-netlink.h, and its flags, include/uapi/linux/nbd.h. */
public final class NbdNetlink {
    public static final int NBD_GENL_VERSION = 1;

    public static final int NBD_CMD_CONNECT = 1;
    public static final int NBD_CMD_DISCONNECT = 2;
    public static final int NBD_CMD_RECONFIGURE = 3;
    /** Told to the group "nbd_mc_group": a device has lost a connection. */
    public static final int NBD_CMD_LINK_DEAD = 4;

    public static final int NBD_CMD_STATUS = 5;

    public static final int NBD_ATTR_INDEX = 1;
    public static final int NBD_ATTR_SIZE_BYTES = 2;
    public static final int NBD_ATTR_BLOCK_SIZE_BYTES = 3;
    /** Seconds. */
    public static final int NBD_ATTR_TIMEOUT = 4;

    public static final int NBD_ATTR_SERVER_FLAGS = 5;
    public static final int NBD_ATTR_CLIENT_FLAGS = 6;
    public static final int NBD_ATTR_SOCKETS = 7;
    /** Seconds. */
    public static final int NBD_ATTR_DEAD_CONN_TIMEOUT = 8;

    public static final int NBD_ATTR_DEVICE_LIST = 9;
    /** Linux 5.13. */
    public static final int NBD_ATTR_BACKEND_IDENTIFIER = 10;

    public static final int NBD_SOCK_ITEM = 1;
    public static final int NBD_SOCK_FD = 1;
    public static final int NBD_DEVICE_ITEM = 1;
    public static final int NBD_DEVICE_INDEX = 1;
    public static final int NBD_DEVICE_CONNECTED = 2;

    /** The device is removed, not only emptied, once it is disconnected and nobody uses it. */
    public static final int NBD_CFLAG_DESTROY_ON_DISCONNECT = 1;

    public static final int NBD_FLAG_HAS_FLAGS = 1;
    public static final int NBD_FLAG_READ_ONLY = 1 << 1;
    public static final int NBD_FLAG_SEND_FLUSH = 1 << 2;
    public static final int NBD_FLAG_SEND_FUA = 1 << 3;
    public static final int NBD_FLAG_SEND_TRIM = 1 << 5;
    /** Linux 6.12; before, the kernel writes zeros itself. */
    public static final int NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6;

    public static final int NBD_FLAG_CAN_MULTI_CONN = 1 << 8;

    private NbdNetlink() {}
}
