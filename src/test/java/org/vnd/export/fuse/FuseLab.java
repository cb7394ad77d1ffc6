package org.vnd.export.fuse;

import java.io.IOException;
import java.io.UncheckedIOException;
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
import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockDevice;
import org.vnd.lab.Command;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.ring.Ring;
import org.vnd.ring.ThreadRing;
import org.vnd.ring.UringRing;
import org.vnd.sim.MemoryDevice;

/** A mounted file system whose disk is in memory, served on a thread of its own. */
final class FuseLab implements AutoCloseable {
    /** Which ring the server has. */
    enum RingKind {
        URING,
        THREADS,
        /** An io_uring by which the requests come, too. */
        OVER_RING
    }

    private static final int RING_CAPACITY = 1024;
    private static final int BLOCK_BYTES = 4096;

    /** Makes the disk, on the server's thread. */
    interface Maker {
        BlockDevice make(Ring ring, AlignedBuffer arena) throws IOException;
    }

    private final Path folder;
    private final FuseMount mount;
    private final @Nullable FuseSwitch overRing;
    private final Thread thread;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Ring> started = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private volatile boolean ending;
    private volatile Ring ring;
    private BlockDevice device;
    private Server server;

    FuseLab(RingKind kind, boolean readOnly, Maker maker) throws IOException {
        folder = Files.createTempDirectory("vnd-fuse-");
        overRing = kind == RingKind.OVER_RING ? new FuseSwitch() : null;
        int fd = FuseMount.openDevice();
        mount = FuseMount.mount(fd, folder, "vnd0", readOnly);
        thread = new Thread(() -> serve(kind, fd, maker), "fuse-server");
        thread.start();
        ring = get(started);
    }

    FuseLab(RingKind kind, int diskBytes, boolean readOnly, Consumer<MemoryDevice> setUp) throws IOException {
        this(kind, readOnly, (ring, arena) -> {
            MemoryDevice device = new MemoryDevice(arena, diskBytes, BLOCK_BYTES);
            device.readOnly = readOnly;
            setUp.accept(device);
            return device;
        });
    }

    FuseLab(int diskBytes) throws IOException {
        this(RingKind.URING, diskBytes, false, device -> {});
    }

    private void serve(RingKind kind, int fd, Maker maker) {
        try (AlignedBuffer arena = new AlignedBuffer(Server.ARENA_BYTES)) {
            try (Ring own = kind == RingKind.THREADS
                    ? new ThreadRing(RING_CAPACITY, "test")
                    : new UringRing(RING_CAPACITY, kind == RingKind.OVER_RING)) {
                device = maker.make(own, arena);
                serve(own, arena, fd);
            }
            if (device instanceof AutoCloseable closeable) {
                closeable.close();
            }
            ended.complete(null);
        } catch (Throwable e) {
            started.completeExceptionally(e);
            ended.completeExceptionally(e);
        }
    }

    private void serve(Ring own, AlignedBuffer arena, int fd) throws IOException {
        server = new Server(own, new BufferPool(arena), device, fd, log::add);
        own.onWakeUp(this::runTasks);
        server.start();
        started.complete(own);
        while (!ending || !server.drained()) {
            own.run(true);
            server.afterRun();
        }
        server.close();
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /** Does something on the server's thread and waits for it. */
    <T> T on(Callable<T> action) {
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
        } catch (TimeoutException | InterruptedException e) {
            throw new AssertionError("the server's thread is at " + List.of(thread.getStackTrace()), e);
        }
    }

    /** The disk's file. */
    Path file() {
        return Path.of(mount.node());
    }

    FuseMount mount() {
        return mount;
    }

    Server server() {
        return server;
    }

    Ring ring() {
        return ring;
    }

    /** The disk, if it is in memory; its content may be looked at when nothing is in work. */
    MemoryDevice device() {
        return (MemoryDevice) device;
    }

    /** What the server says where nothing goes wrong. */
    List<String> quietLog() {
        return overRing != null ? List.of("fuse: requests come by io_uring") : List.of();
    }

    List<String> log() {
        return log;
    }

    long threadId() {
        return thread.getId();
    }

    /** Ends the server's thread, mounted or not. */
    void stop() {
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
            try {
                mount.remove();
            } catch (IOException e) {
                System.err.println(folder + ": " + e);
                new Command("umount", "--lazy", folder).run();
            }
            if (!ended.isDone()) {
                stop();
            }
            get(ended);
            Files.deleteIfExists(folder);
            if (overRing != null) {
                overRing.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
