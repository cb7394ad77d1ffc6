package org.vnd.sys.abi;

/** struct msghdr of socket.h, as on every 64-bit Linux: the lengths that are size_t in libc are 64 bits. */
public final class MessageHeader {
    public static final int SIZE_BYTES = 56;
    public static final int MSG_NAME_OFFSET = 0;
    public static final int MSG_NAMELEN_OFFSET = 8;
    public static final int MSG_IOV_OFFSET = 16;
    public static final int MSG_IOVLEN_OFFSET = 24;
    public static final int MSG_CONTROL_OFFSET = 32;
    public static final int MSG_CONTROLLEN_OFFSET = 40;
    public static final int MSG_FLAGS_OFFSET = 48;

    private MessageHeader() {}
}
