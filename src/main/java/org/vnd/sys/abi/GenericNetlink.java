package org.vnd.sys.abi;

/** struct genlmsghdr, and the family "nlctrl" that knows the others, include/uapi/linux/genetlink.h. */
public final class GenericNetlink {
    public static final int SIZE_BYTES = 4;
    public static final int CMD_OFFSET = 0;
    public static final int VERSION_OFFSET = 1;

    /** The number of the family "nlctrl". */
    public static final int GENL_ID_CTRL = 16;

    public static final int CTRL_CMD_GETFAMILY = 3;
    public static final int CTRL_ATTR_FAMILY_ID = 1;
    public static final int CTRL_ATTR_FAMILY_NAME = 2;
    public static final int CTRL_ATTR_MCAST_GROUPS = 7;
    public static final int CTRL_ATTR_MCAST_GRP_NAME = 1;
    public static final int CTRL_ATTR_MCAST_GRP_ID = 2;

    private GenericNetlink() {}
}
