package org.vnd.sys.abi;

/** struct pollfd, include/uapi/asm-generic/poll.h. */
public final class PollFd {
    public static final int SIZE_BYTES = 8;
    public static final int FD_OFFSET = 0;
    public static final int EVENTS_OFFSET = 4;
    public static final int REVENTS_OFFSET = 6;

    private PollFd() {}
}
