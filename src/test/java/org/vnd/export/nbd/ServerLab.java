package org.vnd.export.nbd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.ring.Ring;
import org.vnd.ring.ThreadRing;
import org.vnd.ring.UringRing;
import org.vnd.sim.MemoryDevice;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;

/** A server on a Unix socket, on a thread of its own, of a disk in memory. */
public final class ServerLab implements AutoCloseable {
    /** Which ring the server has. */
    public enum RingKind {
        URING,
        THREADS
    }

    private static final int RING_CAPACITY = 2048;

    private final Path folder;
    private final Path socket;
    private final Thread thread;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Ring> started = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private volatile boolean ending;
    private volatile Ring ring;
    private MemoryDevice device;
    private Server server;

    /**
     * @param device set up before the first client comes; on the server's thread, as everything that is done with it
     */
    public ServerLab(RingKind kind, int diskBytes, Consumer<MemoryDevice> device, Consumer<Options> options)
            throws IOException {
        folder = Files.createTempDirectory("vnd-nbd-");
        socket = folder.resolve("nbd.sock");
        thread = new Thread(() -> serve(kind, diskBytes, device, options), "nbd-server");
        thread.start();
        ring = get(started);
    }

    public ServerLab(RingKind kind, int diskBytes) throws IOException {
        this(kind, diskBytes, device -> {}, options -> {});
    }

    private void serve(RingKind kind, int diskBytes, Consumer<MemoryDevice> setUp, Consumer<Options> configure) {
        try (AlignedBuffer arena = new AlignedBuffer(64 << 20);
                Ring own =
                        kind == RingKind.URING ? new UringRing(RING_CAPACITY) : new ThreadRing(RING_CAPACITY, "test")) {
            device = new MemoryDevice(arena, diskBytes, 4096);
            setUp.accept(device);
            Options options = new Options("vnd0", "a disk in memory", log::add);
            configure.accept(options);
            server = new Server(own, new BufferPool(arena), device, listen(), options);
            own.onWakeUp(this::runTasks);
            server.start();
            started.complete(own);
            while (!ending || !server.drained()) {
                own.run(true);
                server.afterRun();
            }
            server.close();
            ended.complete(null);
        } catch (Throwable e) {
            started.completeExceptionally(e);
            ended.completeExceptionally(e);
        }
    }

    private int listen() throws SysException {
        return listen(socket);
    }

    private static int listen(Path socket) throws SysException {
        int fd = (int) Libc.check(
                SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0),
                "socket",
                "");
        Libc.check(SocketCalls.bindUnix(fd, socket.toString()), "bind", socket.toString());
        Libc.check(SocketCalls.listen(fd, 128), "listen", socket.toString());
        return fd;
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /** Does something on the server's thread and waits for it. */
    public <T> T on(Callable<T> action) {
        CompletableFuture<T> result = new CompletableFuture<>();
        tasks.add(() -> {
            try {
                result.complete(action.call());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        ring.wakeUp();
        return get(result);
    }

    private <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(60, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError("the server's thread failed", e.getCause());
        } catch (TimeoutException e) {
            StringBuilder stack = new StringBuilder("the server's thread is stuck:");
            for (StackTraceElement element : thread.getStackTrace()) {
                stack.append("\n\t").append(element);
            }
            throw new AssertionError(stack.toString() + (ended.isDone() ? " or ended: " + ended : ""), e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    public Path socket() {
        return socket;
    }

    /** For libnbd's tools. */
    public String uri() {
        return "nbd+unix:///?socket=" + socket;
    }

    public Server server() {
        return server;
    }

    public MemoryDevice device() {
        return device;
    }

    /** On the server's thread: from now on each request takes up to {@code nanos}. */
    void delay(SeededRandom random, long nanos) {
        device.delay(ring, random, nanos);
    }

    /** What the server has logged. */
    public List<String> log() {
        return log;
    }

    public long threadId() {
        return thread.getId();
    }

    /** A client that has connected and said nothing. */
    public Client connect() throws IOException {
        return new Client(socket);
    }

    /** A client of a connection that the server has been given, if it took it. */
    public Client adopt() throws IOException {
        Path path = folder.resolve("adopted.sock");
        int listener = listen(path);
        try {
            Client client = new Client(path);
            int fd = (int) Libc.check(SocketCalls.accept(listener, SocketCalls.SOCK_CLOEXEC), "accept", "");
            on(() -> server.adopt(fd));
            return client;
        } finally {
            FileCalls.close(listener);
            Files.delete(path);
        }
    }

    /** Stops the server and waits until nothing is left of it. */
    public void stop() {
        on(() -> {
            server.stop();
            ending = true;
            return null;
        });
        get(ended);
    }

    @Override
    public void close() {
        try {
            if (!ended.isDone()) {
                stop();
            }
            get(ended);
        } finally {
            try {
                Files.deleteIfExists(socket);
                Files.deleteIfExists(folder);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** A client that speaks by hand, each call waiting for its bytes. */
    public static final class Client implements AutoCloseable {
        private final SocketChannel channel;

        Client(Path socket) throws IOException {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
        }

        public SocketChannel channel() {
            return channel;
        }

        public Client send(ClientBytes bytes) throws IOException {
            return send(bytes.toByteArray());
        }

        public Client send(byte[] bytes) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            return this;
        }

        /** Exactly {@code count} bytes; fails at the end of the stream. */
        public byte[] receive(int count) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(count);
            while (buffer.hasRemaining()) {
                if (channel.read(buffer) < 0) {
                    throw new IOException("the server hung up after " + buffer.position() + " of " + count + " bytes");
                }
            }
            return buffer.array();
        }

        /** Reads until the server hangs up. */
        public byte[] receiveAll() throws IOException {
            java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
            ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
            while (true) {
                int count;
                try {
                    count = channel.read(buffer.clear());
                } catch (IOException e) {
                    // A reset: it was sent what it hadn't read.
                    return all.toByteArray();
                }
                if (count < 0) {
                    return all.toByteArray();
                }
                all.write(buffer.array(), 0, count);
            }
        }

        /** Goes to the transmission phase with simple replies. */
        public Client handshake() throws IOException {
            send(new ClientBytes().simpleHandshake());
            new ServerBytes(receive(18 + 20 + 12 + 20)).handshake();
            return this;
        }

        /** Asks for something without data and returns the error. */
        public int ask(int flags, int type, long offset, long length) throws IOException {
            send(new ClientBytes().request(flags, type, 4711, offset, length));
            return new ServerBytes(receive(16))
                    .answers(java.util.Map.of())
                    .get(4711L)
                    .error();
        }

        public byte[] read(long offset, int length) throws IOException {
            send(new ClientBytes().request(0, 0, 4712, offset, length));
            return new ServerBytes(receive(16 + length))
                    .answers(java.util.Map.of(4712L, new ServerBytes.Reading(offset, length)))
                    .get(4712L)
                    .data();
        }

        public int write(int flags, long offset, byte[] data) throws IOException {
            send(new ClientBytes().write(flags, 4713, offset, data));
            return new ServerBytes(receive(16))
                    .answers(java.util.Map.of())
                    .get(4713L)
                    .error();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
