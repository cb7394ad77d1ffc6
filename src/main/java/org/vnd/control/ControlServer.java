package org.vnd.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Takes requests on a unit's control socket, on one thread of its own. Requests are handled one after the other; clients
 * that haven't sent a whole line yet hold up nobody, and are let go after a while or when there are too many of them.
 */
public final class ControlServer implements AutoCloseable {
    /** Does what is asked; called on the server's thread. */
    public interface Handler {
        /** Handles {@code request}, saying on the way through {@code answer} how far it is. */
        Outcome handle(ControlRequest request, ControlAnswer answer);
    }

    /**
     * Sixteen clients at a time: a user has one or two. Past that, the one that has been silent longest is let go, so
     * that silent clients can't keep a detach out.
     */
    static final int MAX_CLIENTS = 16;

    /** How long a client may take to send its line. */
    static final int REQUEST_TIMEOUT_MILLIS = 5000;

    private static final long ACCEPT_RETRY_NANOS = 100_000_000;

    private final Path socket;
    private final Handler handler;
    private final Selector selector;
    private final ServerSocketChannel server;
    /** In the order in which they came, which is the order in which they expire. */
    private final Deque<ControlConnection> waiting = new ArrayDeque<>();

    private volatile boolean closed;

    private ControlServer(Path socket, Handler handler, Selector selector, ServerSocketChannel server) {
        this.socket = socket;
        this.handler = handler;
        this.selector = selector;
        this.server = server;
    }

    /**
     * Binds {@code socket}, for this user only, and begins to serve it. A socket left behind by a crash is replaced: the
     * caller holds the unit's lock, so nobody listens there.
     */
    public static ControlServer start(Path socket, Handler handler) throws IOException {
        Selector selector = Selector.open();
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            Files.deleteIfExists(socket);
            server.bind(UnixDomainSocketAddress.of(socket));
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException failure) {
            throw new StateException(socket, failure);
        }
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
        ControlServer control = new ControlServer(socket, handler, selector, server);
        // Not a lambda: the first one costs a JVM that starts about 20 ms.
        Thread thread = new Thread("vnd-control") {
            @Override
            public void run() {
                control.serve();
            }
        };
        thread.setDaemon(true);
        thread.start();
        return control;
    }

    private void serve() {
        try (selector;
                server) {
            while (!closed) {
                selector.select(timeoutMillis());
                for (SelectionKey key : selector.selectedKeys()) {
                    if (!key.isValid()) {
                        continue;
                    }
                    if (key.isAcceptable()) {
                        accept();
                    } else {
                        receive((ControlConnection) key.attachment());
                    }
                }
                selector.selectedKeys().clear();
                expire();
            }
        } catch (IOException failed) {
            if (!closed) {
                // Standard error is the unit's log. The disk goes on; only -u can't reach it, a signal can.
                System.err.println("vnd-control: " + failed);
            }
        }
    }

    /** Until the oldest client expires; 0 for ever. */
    private long timeoutMillis() {
        ControlConnection oldest = waiting.peekFirst();
        return oldest == null ? 0 : Math.max(1, REQUEST_TIMEOUT_MILLIS - oldest.ageMillis());
    }

    private void accept() throws IOException {
        SocketChannel client;
        try {
            client = server.accept();
        } catch (IOException outOfDescriptors) {
            // The listening socket stays ready: make room, and don't spin.
            dropOldest();
            LockSupport.parkNanos(ACCEPT_RETRY_NANOS);
            return;
        }
        if (client == null) {
            return;
        }
        if (waiting.size() == MAX_CLIENTS) {
            dropOldest();
        }
        client.configureBlocking(false);
        ControlConnection connection = new ControlConnection(client);
        client.register(selector, SelectionKey.OP_READ, connection);
        waiting.addLast(connection);
    }

    private void dropOldest() {
        ControlConnection oldest = waiting.pollFirst();
        if (oldest != null) {
            oldest.close();
        }
    }

    private void expire() {
        for (ControlConnection oldest; (oldest = waiting.peekFirst()) != null; ) {
            if (oldest.ageMillis() < REQUEST_TIMEOUT_MILLIS) {
                return;
            }
            dropOldest();
        }
    }

    private void receive(ControlConnection connection) {
        Optional<String> line = Optional.empty();
        boolean open = true;
        try {
            open = connection.receive();
            line = connection.line();
        } catch (IOException gone) {
            open = false;
        }
        if (open && line.isEmpty()) {
            return;
        }
        waiting.remove(connection);
        ControlAnswer answer = new ControlAnswer(connection);
        if (line.isPresent() && connection.hungUp()) {
            // While this process was stopped. Whoever ends a command that waits doesn't want it done.
            ControlRequest.parse(line.get())
                    .ifPresent(request -> System.err.println(
                            "vnd-control: who asked for \"" + request.line() + "\" has gone: it isn't done"));
        } else if (line.isPresent()) {
            answer.end(outcome(line.get(), answer));
        }
        connection.close();
        answer.runAfterwards();
    }

    private Outcome outcome(String line, ControlAnswer answer) {
        Optional<ControlRequest> request = ControlRequest.parse(line);
        if (request.isEmpty()) {
            return Outcome.error("the daemon does not know this request");
        }
        try {
            return handler.handle(request.get(), answer);
        } catch (RuntimeException | Error defect) {
            System.err.println("vnd-control: " + Reason.ofDefect(defect));
            return Outcome.error("the daemon failed: " + defect);
        }
    }

    /** Ends the thread and removes the socket. Called by a handler, it takes effect when the answer is sent. */
    @Override
    public void close() throws IOException {
        closed = true;
        selector.wakeup();
        Files.deleteIfExists(socket);
    }
}
