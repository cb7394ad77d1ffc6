package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** System calls on sockets and events. Each returns a value ≥ 0 or a negated errno; see {@link Libc}. */
public final class SocketCalls {
    // include/linux/socket.h, include/linux/net.h
    public static final int AF_UNIX = 1;
    public static final int SOCK_STREAM = 1;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int SHUT_READ_WRITE = 2;

    // include/uapi/asm-generic/poll.h
    public static final short POLLIN = 0x01;
    public static final short POLLOUT = 0x04;

    /** include/uapi/linux/in.h */
    public static final int IPPROTO_TCP = 6;

    /** include/uapi/linux/tcp.h */
    public static final int TCP_NODELAY = 1;

    /** include/uapi/linux/un.h: sun_path's length, the terminating zero included. */
    public static final int UNIX_PATH_MAX = 108;

    /** include/uapi/linux/eventfd.h */
    public static final int EFD_SEMAPHORE = 1;

    private static final long SOCKET = Libc.symbol("socket");
    private static final long BIND = Libc.symbol("bind");
    private static final long LISTEN = Libc.symbol("listen");
    private static final long ACCEPT4 = Libc.symbol("accept4");
    private static final long RECV = Libc.symbol("recv");
    private static final long SENDMSG = Libc.symbol("sendmsg");
    private static final long SHUTDOWN = Libc.symbol("shutdown");
    private static final long SETSOCKOPT = Libc.symbol("setsockopt");
    private static final long POLL = Libc.symbol("poll");
    private static final long EVENTFD = Libc.symbol("eventfd");

    private SocketCalls() {}

    public static int socket(int domain, int type, int protocol) {
        return Libc.callInt(SOCKET, domain, type, protocol);
    }

    /** bind(2) to a path in the file system, unix(7). A path too long for sockaddr_un is ENAMETOOLONG. */
    public static int bindUnix(int fd, String path) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        if (name.length >= UNIX_PATH_MAX) {
            return -Errno.ENAMETOOLONG;
        }
        ByteBuffer address = Libc.struct(2 + UNIX_PATH_MAX);
        address.putShort(0, (short) AF_UNIX).put(2, name);
        try {
            return Libc.callInt(BIND, fd, Libc.address(address), 2 + name.length + 1);
        } finally {
            Reference.reachabilityFence(address);
        }
    }

    public static int listen(int fd, int backlog) {
        return Libc.callInt(LISTEN, fd, backlog);
    }

    /** accept4(2) without the peer's address. */
    public static int accept(int fd, int flags) {
        return Libc.callInt(ACCEPT4, fd, 0, 0, flags);
    }

    public static long receive(int fd, long address, long length, int flags) {
        return Libc.callLong(RECV, fd, address, length, flags);
    }

    public static long sendMessage(int fd, long messageAddress, int flags) {
        return Libc.callLong(SENDMSG, fd, messageAddress, flags);
    }

    public static int shutdown(int fd, int how) {
        return Libc.callInt(SHUTDOWN, fd, how);
    }

    /** setsockopt(2) of an option that is an int. */
    public static int setOption(int fd, int level, int name, int value) {
        ByteBuffer option = Libc.struct(Integer.BYTES).putInt(0, value);
        try {
            return Libc.callInt(SETSOCKOPT, fd, level, name, Libc.address(option), Integer.BYTES);
        } finally {
            Reference.reachabilityFence(option);
        }
    }

    /** poll(2) on an array of struct pollfd; see sys.abi.PollFd. */
    public static int poll(long pollFdsAddress, int count, int timeoutMillis) {
        return Libc.callInt(POLL, pollFdsAddress, count, timeoutMillis);
    }

    /** eventfd(2), close-on-exec. */
    public static int eventfd(int initial, int flags) {
        return Libc.callInt(EVENTFD, initial, flags | FileCalls.O_CLOEXEC);
    }
}
