package org.vnd.sys.abi;

/** struct cmsghdr of socket.h, cmsg(3); its data follows. */
public final class ControlMessage {
    public static final int SIZE_BYTES = 16;
    public static final int CMSG_LEN_OFFSET = 0;
    public static final int CMSG_LEVEL_OFFSET = 8;
    public static final int CMSG_TYPE_OFFSET = 12;

    private ControlMessage() {}
}
