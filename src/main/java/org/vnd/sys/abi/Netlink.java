package org.vnd.sys.abi;

/** struct nlmsghdr, struct nlmsgerr and struct nlattr, include/uapi/linux/netlink.h: the frame of every netlink message. */
public final class Netlink {
    /** struct nlmsghdr */
    public static final int SIZE_BYTES = 16;

    public static final int NLMSG_LEN_OFFSET = 0;
    public static final int NLMSG_TYPE_OFFSET = 4;
    public static final int NLMSG_FLAGS_OFFSET = 6;
    public static final int NLMSG_SEQ_OFFSET = 8;
    public static final int NLMSG_PID_OFFSET = 12;

    /** What messages and attributes are padded to, bytes. */
    public static final int NLMSG_ALIGNTO = 4;

    public static final int NLM_F_REQUEST = 1;
    public static final int NLM_F_ACK = 4;
    public static final int NLMSG_ERROR = 2;
    /** In struct nlmsgerr, behind the header: a negated errno, or 0 for "done". */
    public static final int ERROR_OFFSET = 0;

    /** struct nlattr */
    public static final int ATTRIBUTE_SIZE_BYTES = 4;

    public static final int NLA_LEN_OFFSET = 0;
    public static final int NLA_TYPE_OFFSET = 2;
    public static final int NLA_F_NESTED = 0x8000;
    public static final int NLA_TYPE_MASK = 0x3fff;

    public static final int NETLINK_GENERIC = 16;

    private Netlink() {}
}
