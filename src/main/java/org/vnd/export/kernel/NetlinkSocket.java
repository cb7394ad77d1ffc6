package org.vnd.export.kernel;

import java.io.IOException;
import java.lang.ref.Reference;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Netlink;

/** A socket of generic netlink: requests and their answers, or what is told to a group. */
final class NetlinkSocket implements AutoCloseable {
    /** The kernel has answered when the request is sent; this is for one that forgets to. */
    private static final int ANSWER_LIMIT_SECONDS = 10;

    /** More than the list of all devices that there can be of a driver with a sane number. */
    private static final int RECEIVE_BYTES = 64 << 10;

    private final ByteBuffer received = Libc.struct(RECEIVE_BYTES);
    private final int fd;
    private int sequence;

    NetlinkSocket() throws SysException {
        fd = (int) Libc.check(
                SocketCalls.socket(
                        SocketCalls.AF_NETLINK,
                        SocketCalls.SOCK_RAW | SocketCalls.SOCK_CLOEXEC,
                        Netlink.NETLINK_GENERIC),
                "socket",
                "netlink");
        SocketCalls.bindNetlink(fd);
        SocketCalls.setReceiveTimeout(fd, ANSWER_LIMIT_SECONDS);
    }

    /** From now on {@link #told} gets what is told to {@code group}. */
    void join(int group) throws SysException {
        Libc.check(
                SocketCalls.setOption(fd, SocketCalls.SOL_NETLINK, SocketCalls.NETLINK_ADD_MEMBERSHIP, group),
                "NETLINK_ADD_MEMBERSHIP",
                "netlink");
    }

    /**
     * Asks, and returns what was answered before the acknowledgement.
     *
     * @param name of the request, for the exception
     * @throws SysException the kernel refused
     */
    List<NetlinkMessage> ask(NetlinkMessage.Writer request, String name) throws IOException {
        ByteBuffer bytes = request.finish(++sequence);
        try {
            Libc.check(SocketCalls.send(fd, Libc.address(bytes), bytes.limit(), 0), name, "netlink");
        } finally {
            Reference.reachabilityFence(bytes);
        }
        List<NetlinkMessage> answers = new ArrayList<>();
        while (true) {
            for (NetlinkMessage message : NetlinkMessage.decode(receive(0, name))) {
                if (message.sequence() != sequence) {
                    // An answer that came too late.
                    continue;
                }
                if (message.family() != Netlink.NLMSG_ERROR) {
                    answers.add(message);
                } else if (message.error() == 0) {
                    return answers;
                } else {
                    throw new SysException(name, "netlink", message.error());
                }
            }
        }
    }

    /**
     * What has been told since the last call.
     *
     * @throws SysException ENOBUFS: some of it was lost, because it was too much; what came after it is there
     */
    List<NetlinkMessage> told() throws IOException {
        List<NetlinkMessage> told = new ArrayList<>();
        while (true) {
            try {
                told.addAll(NetlinkMessage.decode(receive(SocketCalls.MSG_DONTWAIT, "recv")));
            } catch (SysException e) {
                if (e.errno() == Errno.EAGAIN) {
                    return told;
                }
                throw e;
            }
        }
    }

    private ByteBuffer receive(int flags, String name) throws IOException {
        long length = SocketCalls.receive(fd, Libc.address(received), RECEIVE_BYTES, flags);
        Libc.check(length, name, "netlink");
        if (length == RECEIVE_BYTES) {
            throw new ProtocolException("netlink: an answer of more than " + RECEIVE_BYTES + " bytes");
        }
        // A copy, for messages outlive the next receive.
        ByteBuffer copy = ByteBuffer.allocate((int) length);
        copy.put(0, received, 0, (int) length);
        return copy;
    }

    @Override
    public void close() {
        FileCalls.close(fd);
    }
}
