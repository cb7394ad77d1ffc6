package org.vnd.extent;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.SysException;
import org.vnd.sys.ThreadCalls;

/**
 * Reads the map of a file whose layout stands still, with several threads: nearly all of the time goes to the file system,
 * which answers FIEMAP under a lock that readers share. Each takes one part of the file after the other, since one can have
 * many more extents than the next.
 */
public final class MapReader implements Runnable, AutoCloseable {
    /** More wait for each other in the file system. */
    private static final int THREADS_MAX = 4;

    /** At the end a thread has nothing to do for at most a quarter of its time; more parts cost more memory and copying. */
    private static final int PARTS_PER_THREAD = 4;

    /** Less isn't worth a part, however many extents it has. A whole number of any file system's blocks. */
    private static final long PART_BYTES_MIN = 64 << 20;

    /** Makes what fills a map. */
    @FunctionalInterface
    public interface Filling {
        /** What takes the extents of a part, in any thread, and adds to {@code part} what it wants of them. */
        FiemapReader.Receiver receiver(ExtentMapBuilder part);
    }

    private final int fd;
    private final String path;
    private final List<Part> parts = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private MapReader(int fd, String path) {
        this.fd = fd;
        this.path = path;
    }

    /** As many threads as have a processor each, and get something done. */
    public static int threads() {
        return Math.min(THREADS_MAX, Runtime.getRuntime().availableProcessors());
    }

    /**
     * The map of the first {@code sizeBytes} of the open file {@code fd}, or null if the file system didn't mark the final
     * extent as the last, as in {@link FiemapReader#read}.
     *
     * @param threads how many read at most, at least 1, which is the caller's
     * @throws SysException FIEMAP failed, or a receiver; EOVERFLOW at more than {@link ExtentMap#EXTENTS_MAX} extents
     * @throws MapChangedException the extents contradict each other
     */
    public static @Nullable ExtentMap read(int fd, String path, long sizeBytes, int threads, Filling filling)
            throws SysException, MapChangedException {
        int parts = threads * PARTS_PER_THREAD;
        long partBytes = threads == 1 ? sizeBytes : ((sizeBytes - 1) / parts / PART_BYTES_MIN + 1) * PART_BYTES_MIN;
        return read(fd, path, sizeBytes, partBytes, threads, filling);
    }

    static @Nullable ExtentMap read(int fd, String path, long sizeBytes, long partBytes, int threads, Filling filling)
            throws SysException, MapChangedException {
        int parts = Math.toIntExact((sizeBytes - 1) / partBytes + 1);
        AtomicInteger room = ExtentMapBuilder.roomFor(parts);
        try (MapReader reader = new MapReader(fd, path)) {
            for (int part = 0; part < parts; part++) {
                long start = part * partBytes;
                long end = part < parts - 1 ? start + partBytes : sizeBytes;
                ExtentMapBuilder builder = new ExtentMapBuilder(start, end, room);
                // Those behind the file's end belong to the last.
                long readEnd = end == sizeBytes ? Long.MAX_VALUE : end;
                reader.parts.add(new Part(start, readEnd, builder, filling.receiver(builder)));
            }
            return reader.read(Math.min(threads, parts));
        }
    }

    private @Nullable ExtentMap read(int count) throws SysException, MapChangedException {
        startHelpers(count - 1);
        run();
        join();
        throwFailure();
        ExtentMapBuilder whole = parts.get(0).builder;
        boolean complete = true;
        for (Part part : parts) {
            complete &= part.complete;
            if (part.builder != whole) {
                whole.add(part.builder);
                part.builder.close();
            }
        }
        return complete ? whole.build() : null;
    }

    private void startHelpers(int count) {
        try {
            for (int at = 1; at <= count; at++) {
                Thread thread = new Thread(this, "vnd-map-" + at);
                thread.start();
                threads.add(thread);
            }
        } catch (OutOfMemoryError e) {
            // No more threads are allowed or there is no stack for one. Those there are read all parts.
        }
    }

    @Override
    public void run() {
        try (FiemapReader reader = new FiemapReader()) {
            for (int at = next.getAndIncrement(); at < parts.size(); at = next.getAndIncrement()) {
                Part part = parts.get(at);
                part.complete = reader.read(fd, path, part.startBytes, part.endBytes, part.receiver);
            }
        } catch (Throwable e) {
            // Told by the thread that waits; the others needn't go on.
            failure.compareAndSet(null, e);
            next.set(parts.size());
        }
    }

    private void throwFailure() throws SysException, MapChangedException {
        Throwable thrown = failure.get();
        if (thrown instanceof SysException e) {
            throw e;
        }
        if (thrown instanceof MapChangedException e) {
            throw e;
        }
        if (thrown != null) {
            throw new IllegalStateException(thrown);
        }
    }

    private void join() {
        threads.forEach(ThreadCalls::join);
    }

    @Override
    public void close() {
        join();
        parts.forEach(part -> part.builder.close());
    }

    /** The extents with bytes from {@code startBytes} to {@code endBytes}. */
    private static final class Part {
        private final long startBytes;
        private final long endBytes;
        private final ExtentMapBuilder builder;
        private final FiemapReader.Receiver receiver;
        private boolean complete;

        Part(long startBytes, long endBytes, ExtentMapBuilder builder, FiemapReader.Receiver receiver) {
            this.startBytes = startBytes;
            this.endBytes = endBytes;
            this.builder = builder;
            this.receiver = receiver;
        }
    }
}
