package org.vnd.daemon;

import java.io.IOException;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;

/** The listening socket that somebody brought along, sd_listen_fds(3): what it is, and where clients find it. */
final class InheritedSocket {
    /** sizeof(struct sockaddr_storage), include/uapi/linux/socket.h. */
    private static final int MAX_ADDRESS_BYTES = 128;

    private InheritedSocket() {}

    /** Throws, with the line for the user, unless clients can connect to {@code fd}. */
    static void requireListening(int fd) throws IOException {
        int type = SocketCalls.option(fd, SocketCalls.SOL_SOCKET, SocketCalls.SO_TYPE);
        int listens = SocketCalls.option(fd, SocketCalls.SOL_SOCKET, SocketCalls.SO_ACCEPTCONN);
        if (type != SocketCalls.SOCK_STREAM || listens != 1) {
            Path what = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd));
            String why = type < 0 ? "no socket" : type != SocketCalls.SOCK_STREAM ? "no stream" : "not listening";
            throw new IOException("socket activation (LISTEN_FDS): file descriptor 3 is no listening stream socket ("
                    + what + " is " + why + ")");
        }
    }

    /** The NBD URI of {@code fd}; {@code abstract:NAME} where URIs have no form for it; empty if it has no address. */
    static String uri(int fd) throws IOException {
        ByteBuffer address = Libc.struct(MAX_ADDRESS_BYTES);
        int length;
        try {
            length = (int) Libc.check(
                    SocketCalls.name(fd, Libc.address(address), MAX_ADDRESS_BYTES), "getsockname", "descriptor 3");
        } finally {
            Reference.reachabilityFence(address);
        }
        switch (address.getShort(0)) {
            case SocketCalls.AF_UNIX:
                return ofUnix(address, length);
            // struct sockaddr_in and sockaddr_in6, include/uapi/linux/in.h and in6.h.
            case SocketCalls.AF_INET:
                return ofInternet(address, 4, 4);
            case SocketCalls.AF_INET6:
                return ofInternet(address, 8, 16);
            default:
                return "";
        }
    }

    /** unix(7): a path ends with a zero, an abstract name begins with one. */
    private static String ofUnix(ByteBuffer address, int length) {
        int start = Short.BYTES;
        if (length <= start) {
            return "";
        }
        boolean isAbstract = address.get(start) == 0;
        int end = isAbstract ? length : start;
        for (; end < length && address.get(end) != 0; end++) {}
        byte[] name = new byte[end - start - (isAbstract ? 1 : 0)];
        address.get(isAbstract ? start + 1 : start, name);
        return isAbstract ? "abstract:" + new String(name, StandardCharsets.UTF_8) : NbdSocket.uri(name);
    }

    private static String ofInternet(ByteBuffer address, int addressAt, int addressBytes) throws IOException {
        byte[] host = new byte[addressBytes];
        address.get(addressAt, host);
        int port = address.duplicate().order(ByteOrder.BIG_ENDIAN).getShort(2) & 0xffff;
        String text = InetAddress.getByAddress(host).getHostAddress();
        return "nbd://" + (addressBytes == 16 ? "[" + text + "]" : text) + ":" + port;
    }
}
