package org.vnd.export.nbd;

import java.util.Objects;
import org.vnd.block.BlockDevice;
import org.vnd.export.QueueExport;
import org.vnd.mem.BufferPool;
import org.vnd.ring.CompletionHandler;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;

/**
 * Serves a disk on a listening socket: all connections on the thread of one ring, which calls {@link #afterRun} after
 * each {@link Ring#run}.
 *
 * <p>Connections that ask for the disk and those that only negotiate have separate bounds. The seventeenth client gets an
 * answer in the protocol ("all connections of this disk are in use") rather than silence, while a list or an info still
 * works; and whoever connects and says nothing takes no place: when too many do, the oldest of them is hung up on.
 *
 * <p>Replies are sent with a plain sendmsg(2) that doesn't block, which costs less than a trip through the ring and is
 * over at once; the ring is asked only where the client doesn't read fast enough.
 */
public final class Server implements QueueExport, CompletionHandler {
    /** Connections beside those in the transmission phase: in their handshake, or being closed. */
    private static final int HANDSHAKE_LIMIT = 16;

    private static final int ACCEPT = 0;
    private static final int RECEIVE = 1;
    private static final int SEND = 2;
    private static final int TICK = 3;
    private static final int OPERATION_SHIFT = 16;

    /** Handshakes are timed, and accept(2) is tried again after an error, in steps of this. */
    private static final long TICK_NANOS = 1_000_000_000L;

    private final Ring ring;
    private final int handler;
    private final CommandPool pool;
    private final int listenFd;
    private final Options options;
    private final EventLog log;
    private final Connection[] connections;
    /** Connections without a socket. */
    private final ConnectionQueue free;
    /** Connections with something to send, to receive or to end. */
    private final ConnectionQueue attention;
    /** Connections that wait for slots or memory, in the order in which they will be asked to try again. */
    private final ConnectionQueue waiting;

    private final AdoptedConnections adopted;

    private long arrivals;
    private boolean accepting;
    private boolean acceptFailed;
    private boolean ticking;
    private boolean stopped;

    /**
     * A server of {@code device}, whose data passes through {@code buffers}, for clients of {@code listenFd}. It is
     * {@link #start}ed on the ring's thread.
     *
     * @throws SysException ENOMEM
     * @throws IllegalArgumentException if {@code buffers} are too small for so many connections
     */
    public Server(Ring ring, BufferPool buffers, BlockDevice device, int listenFd, Options options)
            throws SysException {
        this.ring = ring;
        this.listenFd = listenFd;
        this.options = options;
        log = new EventLog(options.log);
        pool = new CommandPool(buffers, options.connectionLimit, options.adoptionLimit);
        adopted = new AdoptedConnections(options.adoptionLimit);
        Export export = new Export(options, device);
        int count = options.connectionLimit + HANDSHAKE_LIMIT + options.adoptionLimit;
        connections = new Connection[count];
        free = new ConnectionQueue(count);
        attention = new ConnectionQueue(count);
        waiting = new ConnectionQueue(count);
        for (int index = 0; index < count; index++) {
            connections[index] = new Connection(this, index, export, device, pool);
            free.add(connections[index]);
        }
        handler = ring.addHandler(this);
    }

    /** How many operations of a ring a server with {@code connectionLimit} has in flight at most. */
    public static int ringOperations(int connectionLimit) {
        return ringOperations(connectionLimit, 0);
    }

    /** The same for a server that may also {@link #adopt} up to {@code adoptionLimit} connections. */
    public static int ringOperations(int connectionLimit, int adoptionLimit) {
        return 2 * (connectionLimit + HANDSHAKE_LIMIT + adoptionLimit) + 2;
    }

    /** Begins to accept clients. */
    @Override
    public void start() {
        // An accept of io_uring on a socket that doesn't block doesn't wait either, on some kernels.
        int flags = FileCalls.fcntl(listenFd, FileCalls.F_GETFL, 0);
        FileCalls.fcntl(listenFd, FileCalls.F_SETFL, flags & ~FileCalls.O_NONBLOCK);
        // Accepted sockets inherit it. A Unix socket knows no such option, and needs none.
        SocketCalls.setOption(listenFd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_NODELAY, 1);
        accept();
    }

    /**
     * Serves the connected socket {@code fd} from now on, which is its own and will be closed, to a client that begins with
     * requests and knows simple replies only: the kernel's own client has no handshake. It has a place that no other client
     * can take, and the memory that goes with it; it isn't counted among the {@link #clients}, because who uses its device
     * the kernel knows.
     *
     * <p>The client may send a request again, by another of these connections, when it has closed or shut down the one by
     * which it sent it first; see {@link AdoptedConnections}.
     *
     * @return false if there is no room: more than {@link Options#adoptionLimit}, or the server has been stopped; {@code fd}
     *     is closed
     */
    public boolean adopt(int fd) {
        if (stopped || adopted.room() == 0) {
            FileCalls.close(fd);
            return false;
        }
        Connection connection = Objects.requireNonNull(free.poll(), "no room kept");
        connection.fd = fd;
        connection.shutDown = false;
        connection.adopted = true;
        connection.session.beginAdopted();
        adopted.add(connection);
        // One that was given up may be there still.
        adopted.settle();
        attention(connection);
        return true;
    }

    /** Connections of {@link #adopt} that have not ended. */
    public int adopted() {
        return options.adoptionLimit - adopted.room();
    }

    /** Clients in the transmission phase, without the {@link #adopted}. */
    @Override
    public int clients() {
        return pool.placesTaken();
    }

    @Override
    public boolean servesKernel() {
        return false;
    }

    /** Requests between their arrival and the end of their reply. */
    public int requestsInFlight() {
        return pool.commandsTaken();
    }

    /**
     * Takes no more clients and no more requests. What the disk has in work is answered, unless its client doesn't read.
     * The owner goes on with {@link Ring#run} and {@link #afterRun} until {@link #drained}.
     *
     * <p>The listening socket stays its owner's, who closes it, and removes its path, or leaves it to the next daemon
     * (LISTEN_FDS): whoever still connects until the ring is closed is hung up on.
     */
    @Override
    public void stop() {
        stopped = true;
        for (Connection connection : connections) {
            if (connection.open()) {
                connection.session.close("the disk is being detached");
                if (connection.session.sending()) {
                    connection.session.drop("the disk is being detached");
                }
                attention(connection);
            }
        }
        afterRun();
    }

    /** After {@link #stop}: whether no connection is left, and no request. */
    @Override
    public boolean drained() {
        return stopped && free.size() == connections.length;
    }

    /** Frees the memory; nothing may be in flight. */
    @Override
    public void close() {
        assert free.size() == connections.length;
        for (Connection connection : connections) {
            connection.free();
        }
    }

    /** Sends what has become ready, and lets those go on who waited for what has become free. */
    @Override
    public void afterRun() {
        do {
            for (Connection next = attention.poll(); next != null; next = attention.poll()) {
                serve(next);
            }
            if (pool.takeReturned()) {
                // Those that must wait on come behind each other again, in the same order.
                for (Connection next = waiting.poll(); next != null; next = waiting.poll()) {
                    next.session.advance();
                    attention.add(next);
                }
            }
        } while (attention.size() > 0);
    }

    void attention(Connection connection) {
        attention.add(connection);
    }

    void refused() {
        log.add("a client was turned away: all " + pool.places() + " connections are in use");
    }

    @Override
    public void completed(long tag, int result) {
        int index = (int) tag & (1 << OPERATION_SHIFT) - 1;
        switch ((int) (tag >>> OPERATION_SHIFT)) {
            case ACCEPT:
                accepted(result);
                break;
            case RECEIVE:
                received(connections[index], result);
                break;
            case SEND:
                sent(connections[index], result);
                break;
            default:
                tick();
                break;
        }
    }

    private static long tag(int operation, int index) {
        return (long) operation << OPERATION_SHIFT | index;
    }

    private void accept() {
        if (!accepting && room() > 0) {
            accepting = true;
            ring.accept(handler, tag(ACCEPT, 0), listenFd);
        }
    }

    /** Connections that are free, without those that are kept for {@link #adopt}. */
    private int room() {
        return free.size() - adopted.room();
    }

    private void accepted(int result) {
        accepting = false;
        if (stopped) {
            if (result >= 0) {
                FileCalls.close(result);
                accept();
            }
            return;
        }
        if (result < 0) {
            acceptError(-result);
            return;
        }
        Connection connection = Objects.requireNonNull(free.poll(), "accept without room");
        connection.fd = result;
        connection.shutDown = false;
        connection.adopted = false;
        connection.arrival = arrivals++;
        connection.handshakeTicks = 0;
        connection.session.begin();
        attention(connection);
        startTicking();
        if (room() == 0) {
            dropOldestHandshake();
        }
        accept();
    }

    private void acceptError(int errno) {
        if (errno == Errno.EINTR || errno == Errno.ECONNABORTED) {
            accept();
            return;
        }
        // Out of descriptors or memory, most likely; at once it would fail again.
        log.add("accept: " + Errno.message(errno));
        acceptFailed = true;
        startTicking();
    }

    /** Makes room for the next client, who is more likely to want something. */
    private void dropOldestHandshake() {
        Connection oldest = null;
        for (Connection connection : connections) {
            if (connection.session.negotiating() && (oldest == null || connection.arrival < oldest.arrival)) {
                oldest = connection;
            }
        }
        if (oldest != null) {
            oldest.session.drop("too many clients in their handshake, this one the longest");
            attention(oldest);
        }
    }

    private void received(Connection connection, int result) {
        Session session = connection.session;
        if (connection.adopted) {
            adopted.settle();
        }
        if (result >= 0) {
            session.received(result);
        } else {
            session.receiveFailed();
            if (result != -Errno.EINTR && result != -Errno.EAGAIN) {
                session.drop("");
            }
        }
        attention(connection);
    }

    private void sent(Connection connection, int result) {
        Session session = connection.session;
        session.sent(Math.max(0, result));
        if (result < 0 && result != -Errno.EINTR && result != -Errno.EAGAIN) {
            session.drop("");
        }
        attention(connection);
    }

    private void serve(Connection connection) {
        Session session = connection.session;
        session.afterCompletions();
        send(connection);
        if (session.dropped() && !connection.shutDown && connection.open()) {
            if (!session.dropReason().isEmpty()) {
                log.add("a client was dropped: " + session.dropReason());
            }
            shutDown(connection);
        }
        if (session.finished()) {
            end(connection);
        } else if (session.wantsBytes()) {
            session.startReceive();
            ring.receive(
                    handler,
                    tag(RECEIVE, connection.index),
                    connection.fd,
                    session.receiveAddress(),
                    session.receiveBytes(),
                    session.receivesAll() ? SocketCalls.MSG_WAITALL : 0);
        } else if (session.waiting()) {
            waiting.add(connection);
        }
    }

    private void send(Connection connection) {
        Session session = connection.session;
        while (!session.sending()) {
            OutgoingMessage message = session.message();
            if (message == null) {
                return;
            }
            int flags = SocketCalls.MSG_DONTWAIT | SocketCalls.MSG_NOSIGNAL;
            long result = SocketCalls.sendMessage(connection.fd, message.address(), flags);
            if (result > 0) {
                session.sent(result);
            } else if (result != -Errno.EAGAIN && result != -Errno.EINTR) {
                session.drop("");
                return;
            }
            if (!message.isEmpty() && result != -Errno.EINTR) {
                sendLater(connection, message);
            }
        }
    }

    private void sendLater(Connection connection, OutgoingMessage message) {
        Session session = connection.session;
        if (stopped) {
            session.drop("the disk is being detached");
            return;
        }
        session.startSend();
        ring.sendMessage(handler, tag(SEND, connection.index), connection.fd, message.address());
    }

    private static void shutDown(Connection connection) {
        connection.shutDown = true;
        SocketCalls.shutdown(connection.fd, SocketCalls.SHUT_READ_WRITE);
    }

    private void end(Connection connection) {
        if (connection.session.receiving()) {
            if (!connection.shutDown) {
                shutDown(connection);
            }
            return;
        }
        connection.session.end();
        FileCalls.close(connection.fd);
        connection.fd = -1;
        free.add(connection);
        if (connection.adopted) {
            adopted.remove(connection);
        }
        accept();
    }

    private void startTicking() {
        if (!ticking) {
            ticking = true;
            ring.timeout(handler, tag(TICK, 0), TICK_NANOS);
        }
    }

    /** Once a second, while somebody is in the handshake: nobody is woken up for clients that do nothing. */
    private void tick() {
        ticking = false;
        if (stopped) {
            return;
        }
        if (acceptFailed) {
            acceptFailed = false;
            accept();
        }
        for (Connection connection : connections) {
            if (connection.session.negotiating()) {
                connection.handshakeTicks++;
                if (connection.handshakeTicks > options.handshakeLimitSeconds) {
                    connection.session.drop("no handshake within " + options.handshakeLimitSeconds + " s");
                    attention(connection);
                } else {
                    startTicking();
                }
            }
        }
    }
}
