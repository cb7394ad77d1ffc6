package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.vnd.sys.abi.ControlMessage;
import org.vnd.sys.abi.IoVector;
import org.vnd.sys.abi.MessageHeader;

/** System calls on sockets and events. Each returns a value ≥ 0 or a negated errno; see {@link Libc}. */
public final class SocketCalls {
    // include/linux/socket.h, include/linux/net.h
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int SOCK_STREAM = 1;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_SEQPACKET = 5;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    /** cmsg_type of descriptors, unix(7). */
    public static final int SCM_RIGHTS = 1;

    public static final int SHUT_READ_WRITE = 2;

    // include/uapi/asm-generic/poll.h
    public static final short POLLIN = 0x01;
    public static final short POLLOUT = 0x04;
    /** The peer sends no more; what it has sent can still be received. */
    public static final short POLLRDHUP = 0x2000;

    /** include/uapi/linux/in.h */
    public static final int IPPROTO_TCP = 6;

    /** include/uapi/linux/tcp.h */
    public static final int TCP_NODELAY = 1;

    // include/uapi/asm-generic/socket.h
    public static final int SOL_SOCKET = 1;
    public static final int SO_TYPE = 3;
    public static final int SO_PEERCRED = 17;
    public static final int SO_RCVTIMEO = 20;
    public static final int SO_ACCEPTCONN = 30;

    // include/linux/socket.h and include/uapi/linux/netlink.h
    public static final int SOL_NETLINK = 270;
    public static final int NETLINK_ADD_MEMBERSHIP = 1;

    /** include/uapi/linux/un.h: sun_path's length, the terminating zero included. */
    public static final int UNIX_PATH_MAX = 108;

    /** include/uapi/linux/eventfd.h */
    public static final int EFD_SEMAPHORE = 1;

    private static final long SOCKET = Libc.symbol("socket");
    private static final long SOCKETPAIR = Libc.symbol("socketpair");
    private static final long BIND = Libc.symbol("bind");
    private static final long LISTEN = Libc.symbol("listen");
    private static final long ACCEPT4 = Libc.symbol("accept4");
    private static final long RECV = Libc.symbol("recv");
    private static final long RECVMSG = Libc.symbol("recvmsg");
    private static final long SEND = Libc.symbol("send");
    private static final long SENDMSG = Libc.symbol("sendmsg");
    private static final long SHUTDOWN = Libc.symbol("shutdown");
    private static final long SETSOCKOPT = Libc.symbol("setsockopt");
    private static final long GETSOCKOPT = Libc.symbol("getsockopt");
    private static final long GETSOCKNAME = Libc.symbol("getsockname");
    private static final long POLL = Libc.symbol("poll");
    private static final long EVENTFD = Libc.symbol("eventfd");

    private SocketCalls() {}

    public static int socket(int domain, int type, int protocol) {
        return Libc.callInt(SOCKET, domain, type, protocol);
    }

    /** socketpair(2) of Unix stream sockets, close-on-exec, whose descriptors it puts into {@code pair}. */
    public static int unixPair(int[] pair) {
        ByteBuffer fds = Libc.struct(2 * Integer.BYTES);
        try {
            int result = Libc.callInt(SOCKETPAIR, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Libc.address(fds));
            if (result == 0) {
                pair[0] = fds.getInt(0);
                pair[1] = fds.getInt(Integer.BYTES);
            }
            return result;
        } finally {
            Reference.reachabilityFence(fds);
        }
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

    /** bind(2) to a name that is in no file system, and ends with the socket: the abstract ones of unix(7). */
    public static int bindAbstract(int fd, String abstractName) {
        byte[] name = abstractName.getBytes(StandardCharsets.UTF_8);
        if (name.length >= UNIX_PATH_MAX) {
            return -Errno.ENAMETOOLONG;
        }
        // It begins with a zero, and has none at its end.
        ByteBuffer address = Libc.struct(2 + UNIX_PATH_MAX);
        address.putShort(0, (short) AF_UNIX).put(3, name);
        try {
            return Libc.callInt(BIND, fd, Libc.address(address), 3 + name.length);
        } finally {
            Reference.reachabilityFence(address);
        }
    }

    /** The process at the other end of a connected Unix socket, unix(7). */
    public static int peerProcess(int fd) {
        // struct ucred: pid, uid, gid.
        ByteBuffer credentials = Libc.struct(4 * Integer.BYTES).putInt(3 * Integer.BYTES, 3 * Integer.BYTES);
        long address = Libc.address(credentials);
        try {
            int result = Libc.callInt(GETSOCKOPT, fd, SOL_SOCKET, SO_PEERCRED, address, address + 3 * Integer.BYTES);
            return result < 0 ? result : credentials.getInt(0);
        } finally {
            Reference.reachabilityFence(credentials);
        }
    }

    /** bind(2) of a netlink socket, netlink(7), to an address of its own, without which it isn't told what groups are told. */
    public static int bindNetlink(int fd) {
        // struct sockaddr_nl, include/uapi/linux/netlink.h; the kernel chooses the port.
        ByteBuffer address = Libc.struct(12).putShort(0, (short) AF_NETLINK);
        try {
            return Libc.callInt(BIND, fd, Libc.address(address), 12);
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

    /** The descriptor that comes with the next byte, unix(7); −ENODATA if none does, or the other end is closed. */
    public static int receiveDescriptor(int fd) {
        int controlBytes = ControlMessage.SIZE_BYTES + Long.BYTES;
        ByteBuffer bytes = Libc.struct(MessageHeader.SIZE_BYTES + IoVector.SIZE_BYTES + controlBytes + Long.BYTES);
        int vector = MessageHeader.SIZE_BYTES;
        int control = vector + IoVector.SIZE_BYTES;
        int data = control + controlBytes;
        long address = Libc.address(bytes);
        bytes.putLong(MessageHeader.MSG_IOV_OFFSET, address + vector)
                .putLong(MessageHeader.MSG_IOVLEN_OFFSET, 1)
                .putLong(MessageHeader.MSG_CONTROL_OFFSET, address + control)
                .putLong(MessageHeader.MSG_CONTROLLEN_OFFSET, controlBytes)
                .putLong(vector + IoVector.IOV_BASE_OFFSET, address + data)
                .putLong(vector + IoVector.IOV_LEN_OFFSET, 1);
        try {
            int received = Libc.callInt(RECVMSG, fd, address, MSG_CMSG_CLOEXEC);
            if (received < 0) {
                return received;
            }
            boolean rights =
                    bytes.getLong(MessageHeader.MSG_CONTROLLEN_OFFSET) >= ControlMessage.SIZE_BYTES + Integer.BYTES
                            && bytes.getInt(control + ControlMessage.CMSG_LEVEL_OFFSET) == SOL_SOCKET
                            && bytes.getInt(control + ControlMessage.CMSG_TYPE_OFFSET) == SCM_RIGHTS;
            return rights ? bytes.getInt(control + ControlMessage.SIZE_BYTES) : -Errno.ENODATA;
        } finally {
            Reference.reachabilityFence(bytes);
        }
    }

    public static long send(int fd, long address, long length, int flags) {
        return Libc.callLong(SEND, fd, address, length, flags);
    }

    public static long sendMessage(int fd, long messageAddress, int flags) {
        return Libc.callLong(SENDMSG, fd, messageAddress, flags);
    }

    /** Sends {@code data} in one message, with descriptors that the other end gets copies of, unix(7). */
    public static int sendWithDescriptors(int fd, byte[] data, int... descriptors) {
        int controlBytes = ControlMessage.SIZE_BYTES + descriptors.length * Integer.BYTES;
        int vector = MessageHeader.SIZE_BYTES;
        int control = vector + IoVector.SIZE_BYTES;
        // Its header is aligned to eight bytes.
        int text = control + (controlBytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        ByteBuffer bytes = Libc.struct(text + data.length);
        long address = Libc.address(bytes);
        bytes.putLong(MessageHeader.MSG_IOV_OFFSET, address + vector)
                .putLong(MessageHeader.MSG_IOVLEN_OFFSET, 1)
                .putLong(vector + IoVector.IOV_BASE_OFFSET, address + text)
                .putLong(vector + IoVector.IOV_LEN_OFFSET, data.length)
                .put(text, data);
        if (descriptors.length > 0) {
            bytes.putLong(MessageHeader.MSG_CONTROL_OFFSET, address + control)
                    .putLong(MessageHeader.MSG_CONTROLLEN_OFFSET, text - control)
                    .putLong(control + ControlMessage.CMSG_LEN_OFFSET, controlBytes)
                    .putInt(control + ControlMessage.CMSG_LEVEL_OFFSET, SOL_SOCKET)
                    .putInt(control + ControlMessage.CMSG_TYPE_OFFSET, SCM_RIGHTS);
            for (int at = 0; at < descriptors.length; at++) {
                bytes.putInt(control + ControlMessage.SIZE_BYTES + at * Integer.BYTES, descriptors[at]);
            }
        }
        try {
            return Libc.callInt(SENDMSG, fd, address, MSG_NOSIGNAL);
        } finally {
            Reference.reachabilityFence(bytes);
        }
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

    /** getsockopt(2) of an option that is an int and not negative. */
    public static int option(int fd, int level, int name) {
        ByteBuffer value = Libc.struct(2 * Integer.BYTES).putInt(Integer.BYTES, Integer.BYTES);
        long address = Libc.address(value);
        try {
            int result = Libc.callInt(GETSOCKOPT, fd, level, name, address, address + Integer.BYTES);
            return result < 0 ? result : value.getInt(0);
        } finally {
            Reference.reachabilityFence(value);
        }
    }

    /** getsockname(2) into {@code address}, which has room for {@code limitBytes}. The length of the name. */
    public static int name(int fd, long address, int limitBytes) {
        ByteBuffer length = Libc.struct(Integer.BYTES).putInt(0, limitBytes);
        try {
            int result = Libc.callInt(GETSOCKNAME, fd, address, Libc.address(length));
            return result < 0 ? result : length.getInt(0);
        } finally {
            Reference.reachabilityFence(length);
        }
    }

    /** setsockopt(2), SO_RCVTIMEO: how long a receive waits before it is EAGAIN. */
    public static int setReceiveTimeout(int fd, int seconds) {
        // struct timeval of 64-bit machines.
        ByteBuffer time = Libc.struct(2 * Long.BYTES).putLong(0, seconds);
        try {
            return Libc.callInt(SETSOCKOPT, fd, SOL_SOCKET, SO_RCVTIMEO, Libc.address(time), 2 * Long.BYTES);
        } finally {
            Reference.reachabilityFence(time);
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
