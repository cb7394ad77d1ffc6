/* A part of abi_probe.c: netlink, generic netlink and the family "nbd". */
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <linux/netlink.h>

#ifndef NBD_FLAG_SEND_WRITE_ZEROES
#define NBD_FLAG_SEND_WRITE_ZEROES (1 << 6)
#endif

static void netlink(void)
{
    SIZE(Netlink, struct nlmsghdr);
    OFFSET(Netlink, NLMSG_LEN, struct nlmsghdr, nlmsg_len);
    OFFSET(Netlink, NLMSG_TYPE, struct nlmsghdr, nlmsg_type);
    OFFSET(Netlink, NLMSG_FLAGS, struct nlmsghdr, nlmsg_flags);
    OFFSET(Netlink, NLMSG_SEQ, struct nlmsghdr, nlmsg_seq);
    OFFSET(Netlink, NLMSG_PID, struct nlmsghdr, nlmsg_pid);
    SAME(Netlink, NLMSG_ALIGNTO);
    SAME(Netlink, NLM_F_REQUEST);
    SAME(Netlink, NLM_F_ACK);
    SAME(Netlink, NLMSG_ERROR);
    OFFSET(Netlink, ERROR, struct nlmsgerr, error);
    LINE(Netlink, ATTRIBUTE_SIZE_BYTES, sizeof(struct nlattr));
    OFFSET(Netlink, NLA_LEN, struct nlattr, nla_len);
    OFFSET(Netlink, NLA_TYPE, struct nlattr, nla_type);
    SAME(Netlink, NLA_F_NESTED);
    /* In the header it is an int that keeps the bits above the field too. */
    LINE(Netlink, NLA_TYPE_MASK, (uint16_t)NLA_TYPE_MASK);
    SAME(Netlink, NETLINK_GENERIC);

    SIZE(GenericNetlink, struct genlmsghdr);
    OFFSET(GenericNetlink, CMD, struct genlmsghdr, cmd);
    OFFSET(GenericNetlink, VERSION, struct genlmsghdr, version);
    SAME(GenericNetlink, GENL_ID_CTRL);
    SAME(GenericNetlink, CTRL_CMD_GETFAMILY);
    SAME(GenericNetlink, CTRL_ATTR_FAMILY_ID);
    SAME(GenericNetlink, CTRL_ATTR_FAMILY_NAME);
    SAME(GenericNetlink, CTRL_ATTR_MCAST_GROUPS);
    SAME(GenericNetlink, CTRL_ATTR_MCAST_GRP_NAME);
    SAME(GenericNetlink, CTRL_ATTR_MCAST_GRP_ID);

    SAME(NbdNetlink, NBD_GENL_VERSION);
    SAME(NbdNetlink, NBD_CMD_CONNECT);
    SAME(NbdNetlink, NBD_CMD_DISCONNECT);
    SAME(NbdNetlink, NBD_CMD_RECONFIGURE);
    SAME(NbdNetlink, NBD_CMD_LINK_DEAD);
    SAME(NbdNetlink, NBD_CMD_STATUS);
    SAME(NbdNetlink, NBD_ATTR_INDEX);
    SAME(NbdNetlink, NBD_ATTR_SIZE_BYTES);
    SAME(NbdNetlink, NBD_ATTR_BLOCK_SIZE_BYTES);
    SAME(NbdNetlink, NBD_ATTR_TIMEOUT);
    SAME(NbdNetlink, NBD_ATTR_SERVER_FLAGS);
    SAME(NbdNetlink, NBD_ATTR_CLIENT_FLAGS);
    SAME(NbdNetlink, NBD_ATTR_SOCKETS);
    SAME(NbdNetlink, NBD_ATTR_DEAD_CONN_TIMEOUT);
    SAME(NbdNetlink, NBD_ATTR_DEVICE_LIST);
    SAME(NbdNetlink, NBD_ATTR_BACKEND_IDENTIFIER);
    SAME(NbdNetlink, NBD_SOCK_ITEM);
    SAME(NbdNetlink, NBD_SOCK_FD);
    SAME(NbdNetlink, NBD_DEVICE_ITEM);
    SAME(NbdNetlink, NBD_DEVICE_INDEX);
    SAME(NbdNetlink, NBD_DEVICE_CONNECTED);
    SAME(NbdNetlink, NBD_CFLAG_DESTROY_ON_DISCONNECT);
    SAME(NbdNetlink, NBD_FLAG_HAS_FLAGS);
    SAME(NbdNetlink, NBD_FLAG_READ_ONLY);
    SAME(NbdNetlink, NBD_FLAG_SEND_FLUSH);
    SAME(NbdNetlink, NBD_FLAG_SEND_FUA);
    SAME(NbdNetlink, NBD_FLAG_SEND_TRIM);
    SAME(NbdNetlink, NBD_FLAG_SEND_WRITE_ZEROES);
    SAME(NbdNetlink, NBD_FLAG_CAN_MULTI_CONN);
}
