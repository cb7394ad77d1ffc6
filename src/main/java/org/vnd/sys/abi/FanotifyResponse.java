package org.vnd.sys.abi;

/** struct fanotify_response, include/uapi/linux/fanotify.h: whether the open of an event may go on. */
public final class FanotifyResponse {
    public static final int SIZE_BYTES = 8;
    public static final int FD_OFFSET = 0;
    public static final int RESPONSE_OFFSET = 4;

    public static final int FAN_DENY = 2;

    private FanotifyResponse() {}
}
