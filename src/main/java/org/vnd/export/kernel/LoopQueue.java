package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.proc.SmallFile;

/**
 * Bounds what a loop device has in flight, by the queue that the kernel has for it: once the image is taken away, the device
 * fails, but what it has handed down can't be called back, and whoever took the image waits no longer than lease-break-time.
 *
 * <p>The kernel's 128 requests of 1280 KiB are 160 MiB, which a disk that does 3 MB/s needs a minute for. Requests of 512 KiB
 * make that 64 MiB, as much as the engine has; where a write takes long, there are fewer of them. It is measured once a second,
 * so a disk that becomes slow in the midst of it has the 64 MiB to do.
 */
final class LoopQueue {
    /** As large as the requests of most disks. */
    private static final int REQUEST_KIBIBYTES = 512;

    /** The kernel's own, drivers/block/loop.c, and its least, BLKDEV_MIN_RQ. */
    private static final int DEPTH_MOST = 128;

    private static final int DEPTH_LEAST = 4;

    /** As for the engine: what is in flight has to be done in a tenth of what an intruder is kept waiting. */
    private static final int IN_FLIGHT_PART = 10;

    /** Well below that, more is tried. */
    private static final int ROOM = 4;

    // Documentation/block/stat.rst, from 0 on.
    private static final int WRITES = 4;
    private static final int WRITE_MILLIS = 7;

    private final Path folder;
    private int depth = DEPTH_MOST;
    private long writes;
    private long writeMillis;

    /** Of {@code name}, such as {@code loop3}, which may still have what a slow disk needed that it was before. */
    LoopQueue(String name) throws IOException {
        folder = Path.of("/sys/block", name);
        Path limit = folder.resolve("queue/max_sectors_kb");
        if (SmallFile.readNumber(limit.toString(), REQUEST_KIBIBYTES) > REQUEST_KIBIBYTES) {
            Files.writeString(limit, REQUEST_KIBIBYTES + "\n");
        }
        int present = (int) SmallFile.readNumber(requests().toString(), depth);
        if (present != depth) {
            try {
                Files.writeString(requests(), depth + "\n");
            } catch (IOException driverHasFewer) {
                // The parameter hw_queue_depth of the module.
                depth = Math.min(present, depth);
            }
        }
        count();
    }

    private Path requests() {
        return folder.resolve("queue/nr_requests");
    }

    /** Takes the measure of the writes since the last time. */
    void look() throws IOException {
        long writesBefore = writes;
        long millisBefore = writeMillis;
        count();
        long givenMillis =
                Math.max(1, SmallFile.readNumber("/proc/sys/fs/lease-break-time", 1)) * 1000 / IN_FLIGHT_PART;
        int next = next(depth, writes - writesBefore, writeMillis - millisBefore, givenMillis);
        if (next != depth) {
            Files.writeString(requests(), next + "\n");
            depth = next;
        }
    }

    /** The kernel's counts go on from one disk of that number to the next. */
    private void count() throws IOException {
        String[] fields = SmallFile.readIfThere(folder.resolve("stat")).split(" +");
        if (fields.length > WRITE_MILLIS) {
            writes = Long.parseLong(fields[WRITES]);
            writeMillis = Long.parseLong(fields[WRITE_MILLIS]);
        }
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
}
