package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;

class InheritedSocketTest {
    @TempDir
    Path folder;

    @Test
    void aUnixSocketIsFoundByItsPath() throws Exception {
        Path path = folder.resolve("a b");
        String uri = uri(path.toString());
        assertEquals("nbd+unix:///?socket=" + path.toString().replace(" ", "%20"), uri);
    }

    @Test
    void anAbstractNameIsSaidToBeOne() throws Exception {
        assertEquals("abstract:vnd-test\0", uri("\0vnd-test"));
    }

    @Test
    void anInternetSocketIsFoundByItsPort() throws Exception {
        for (String host : new String[] {"127.0.0.1", "::1"}) {
            InetAddress address = InetAddress.getByName(host);
            try (ServerSocketChannel server = ServerSocketChannel.open(
                    address.getAddress().length == 4 ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6)) {
                server.bind(new InetSocketAddress(address, 0));
                int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
                String expected =
                        "nbd://" + (host.equals("::1") ? "[" + address.getHostAddress() + "]" : host) + ":" + port;
                assertTrue(urisOfThisProcess().contains(expected), expected);
            }
        }
    }

    @Test
    void whatNobodyCanConnectToIsRefused() throws Exception {
        int[] pair = new int[2];
        Libc.check(SocketCalls.unixPair(pair), "socketpair", "");
        int datagram = (int) Libc.check(SocketCalls.socket(SocketCalls.AF_INET, 2, 0), "socket", "");
        try {
            IOException connected = assertThrows(IOException.class, () -> InheritedSocket.requireListening(pair[0]));
            assertTrue(connected.getMessage().endsWith(" is not listening)"), connected.getMessage());
            IOException noStream = assertThrows(IOException.class, () -> InheritedSocket.requireListening(datagram));
            assertTrue(noStream.getMessage().endsWith(" is no stream)"), noStream.getMessage());
            assertEquals("", InheritedSocket.uri(pair[0]), "it has no address");
        } finally {
            FileCalls.close(pair[0]);
            FileCalls.close(pair[1]);
            FileCalls.close(datagram);
        }
    }

    private static String uri(String name) throws IOException {
        int fd = (int) Libc.check(SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM, 0), "socket", "");
        try {
            Libc.check(SocketCalls.bindUnix(fd, name), "bind", name);
            Libc.check(SocketCalls.listen(fd, 1), "listen", name);
            InheritedSocket.requireListening(fd);
            return InheritedSocket.uri(fd);
        } finally {
            FileCalls.close(fd);
        }
    }

    /** Java doesn't say which descriptor a channel has. */
    private static Set<String> urisOfThisProcess() {
        Set<String> uris = new HashSet<>();
        for (String fd : Path.of("/proc/self/fd").toFile().list()) {
            try {
                uris.add(InheritedSocket.uri(Integer.parseInt(fd)));
            } catch (IOException noSocket) {
                uris.add("");
            }
        }
        return uris;
    }
}
