package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.vnd.proc.SmallFile;

/**
 * Bounds what a loop device has in flight, by the queue that the kernel has for it: once the image is taken away, the device
 * fails, but what it has handed down can't be called back, and whoever took the image waits no longer than lease-break-time.
 *
 * <p>The kernel's 128 requests of 1280 KiB are 160 MiB, which a disk that does 3 MB/s needs a minute for. Requests of 512 KiB
 * make that 64 MiB, as much as the engine has; where a write takes long, there are fewer of them. A discard may be of 4 GiB, if
 * the device below takes such: it is of 64 KiB until many of them were seen to be done in a second. It is measured once a second,
 * so a disk that becomes slow in the midst of it has the 64 MiB to do, and what it discarded quickly before. A writing of zeroes
 * can't be bounded: up to Linux 6.18 it is as long as the device below takes it (queue/write_zeroes_max_bytes).
 */
final class LoopQueue {
    /** As large as the requests of most disks. */
    private static final int REQUEST_KIBIBYTES = 512;

    /** The kernel's own, drivers/block/loop.c, and its least, BLKDEV_MIN_RQ. */
    private static final int DEPTH_MOST = 128;

    private static final int DEPTH_LEAST = 4;

    /** So many at once are 8 MiB. */
    private static final long DISCARD_LEAST_BYTES = 64 << 10;

    private static final long DISCARD_UNBOUNDED_BYTES = 0xFFFF_FFFFL;

    /** As for the engine: what is in flight has to be done in a tenth of what an intruder is kept waiting. */
    private static final int IN_FLIGHT_PART = 10;

    /** Well below that, more is tried. */
    private static final int ROOM = 4;

    private static final int SECTOR_BYTES = 512;

    // Documentation/block/stat.rst, from 0 on.
    private static final int WRITES = 4;
    private static final int WRITE_MILLIS = 7;
    private static final int DISCARDS = 11;
    private static final int DISCARD_SECTORS = 13;
    private static final int DISCARD_MILLIS = 14;

    private final Path folder;
    private final long requestKibibytesBefore;
    private int depth = DEPTH_MOST;
    /** As far as the driver goes. */
    private final int depthMost;

    private final long discardGranularityBytes;
    /** As far as the device below goes; 0 if it takes none. */
    private long discardMostBytes;

    private long discardBytes;
    private Counts counts;
    /** Another thread may be about to look. */
    private volatile boolean restored;

    private final ReentrantLock looking = new ReentrantLock();

    /** The kernel's, which go on from one disk of that number to the next. */
    private record Counts(
            long nanos, long writes, long writeMillis, long discards, long discardSectors, long discardMillis) {
        static Counts of(Path folder) throws IOException {
            String[] fields = SmallFile.readIfThere(folder.resolve("stat")).split(" +");
            return new Counts(
                    System.nanoTime(),
                    field(fields, WRITES),
                    field(fields, WRITE_MILLIS),
                    field(fields, DISCARDS),
                    field(fields, DISCARD_SECTORS),
                    field(fields, DISCARD_MILLIS));
        }

        private static long field(String[] fields, int place) {
            return place < fields.length ? Long.parseLong(fields[place]) : 0;
        }
    }

    /** Of {@code name}, such as {@code loop3}, which may still have what a slow disk needed that it was before. */
    LoopQueue(String name) throws IOException {
        folder = Path.of("/sys/block", name);
        requestKibibytesBefore = read("max_sectors_kb", REQUEST_KIBIBYTES);
        discardGranularityBytes = Math.max(1, read("discard_granularity", 1));
        discardMostBytes = whole(read("discard_max_hw_bytes", 0));
        discardBytes = Math.min(discardMostBytes, Math.max(DISCARD_LEAST_BYTES, discardGranularityBytes));
        int present = (int) read("nr_requests", depth);
        if (present != depth) {
            try {
                write("nr_requests", depth);
            } catch (IOException driverHasFewer) {
                // The parameter hw_queue_depth of the module.
                depth = Math.min(present, depth);
            }
        }
        depthMost = depth;
        counts = Counts.of(folder);
        bound();
    }

    private long read(String file, long otherwise) {
        return SmallFile.readNumber(folder.resolve("queue").resolve(file).toString(), otherwise);
    }

    private void write(String file, long value) throws IOException {
        Path path = folder.resolve("queue").resolve(file);
        try {
            Files.writeString(path, value + "\n");
        } catch (IOException e) {
            throw new IOException(path + ": " + value + ": " + e.getMessage(), e);
        }
    }

    /** The kernel takes no other. */
    private long whole(long bytes) {
        return bytes / discardGranularityBytes * discardGranularityBytes;
    }

    /** Writes what is to be, where something else is. */
    void bound() throws IOException {
        looking.lock();
        try {
            restored = false;
            boundAll();
        } finally {
            looking.unlock();
        }
    }

    private void boundAll() throws IOException {
        if (read("max_sectors_kb", 0) > REQUEST_KIBIBYTES) {
            write("max_sectors_kb", REQUEST_KIBIBYTES);
        }
        if (read("nr_requests", depth) != depth) {
            write("nr_requests", depth);
        }
        if (discardMostBytes > 0 && read("discard_max_bytes", discardBytes) != discardBytes) {
            try {
                write("discard_max_bytes", discardBytes);
            } catch (IOException e) {
                // As where the device below discards in pieces of a size that is no power of two: none is taken then.
                System.err.println("what is discarded isn't bounded: " + e.getMessage());
                discardMostBytes = 0;
            }
        }
    }

    /** For whoever has its number next: the kernel leaves all of this as it was. While it is still ours, and nobody uses it. */
    void restore() {
        restored = true;
        if (!looking.tryLock()) {
            // The device is slow just now, and what it has in its queue is waited for: it keeps what it has.
            return;
        }
        try {
            if (requestKibibytesBefore > REQUEST_KIBIBYTES) {
                write("max_sectors_kb", requestKibibytesBefore);
            }
            if (depth != depthMost) {
                write("nr_requests", depthMost);
            }
            if (discardMostBytes > 0) {
                // The kernel takes as much of it as the device below does, also of the next.
                write("discard_max_bytes", whole(DISCARD_UNBOUNDED_BYTES));
            }
        } catch (IOException e) {
            // It goes all the same.
            System.err.println("a loop device's queue stays as it was bounded: " + e.getMessage());
        } finally {
            looking.unlock();
        }
    }

    /** Takes the measure of what was done since the last time. */
    void look() throws IOException {
        looking.lock();
        try {
            if (!restored) {
                measure();
                boundAll();
            }
        } finally {
            looking.unlock();
        }
    }

    private void measure() throws IOException {
        Counts before = counts;
        counts = Counts.of(folder);
        long givenMillis =
                Math.max(1, SmallFile.readNumber("/proc/sys/fs/lease-break-time", 1)) * 1000 / IN_FLIGHT_PART;
        int depthBefore = depth;
        depth = next(depth, counts.writes - before.writes, counts.writeMillis - before.writeMillis, givenMillis);
        if (depth > depthBefore) {
            // It is for all of them together that there is time.
            discardBytes = atLeastOne(discardBytes * depthBefore / depth);
        }
        long discarded = (counts.discardSectors - before.discardSectors) * SECTOR_BYTES;
        long discards = counts.discards - before.discards;
        if (discards > 0) {
            long eachMillis = (counts.discardMillis - before.discardMillis) / discards;
            long tookMillis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(counts.nanos - before.nanos));
            long next =
                    nextDiscard(discardBytes, eachMillis, discarded / tookMillis * givenMillis / depth, givenMillis);
            discardBytes = atLeastOne(next);
        }
    }

    private long atLeastOne(long bytes) {
        long least = Math.max(DISCARD_LEAST_BYTES, discardGranularityBytes);
        return Math.min(discardMostBytes, whole(Math.max(least, bytes)));
    }

    /** How many requests there may be, if {@code writes} of them took {@code millis} together. */
    static int next(int depth, long writes, long millis, long givenMillis) {
        if (writes <= 0) {
            return depth;
        }
        long each = millis / writes;
        if (each > givenMillis) {
            return (int) Math.max(DEPTH_LEAST, depth * givenMillis / each);
        }
        return each * ROOM < givenMillis ? Math.min(DEPTH_MOST, depth * 2) : depth;
    }

    /** How large a discard may be, if each took so long, and so much for each place in the queue is surely done in time. */
    static long nextDiscard(long bytes, long eachMillis, long doneInTimeBytes, long givenMillis) {
        if (eachMillis > givenMillis) {
            return Math.max(DISCARD_LEAST_BYTES, bytes * givenMillis / eachMillis);
        }
        return Math.max(bytes, doneInTimeBytes);
    }
}
