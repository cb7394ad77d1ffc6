package org.vnd.system;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.vnd.block.Operation;
import org.vnd.conformance.DiskDriver;
import org.vnd.conformance.ShadowDisk;
import org.vnd.conformance.Workload;
import org.vnd.lab.DirectFile;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;

/** Drives an attached disk over NBD with random requests of every kind, and knows what its image must hold. */
public final class DriverOverNbd implements AutoCloseable {
    private static final int DEPTH = 32;
    private static final int CONNECTIONS = 4;
    private static final int TRANSFER_LIMIT = 256 << 10;
    private static final int ROUND_REQUESTS = 1000;
    private static final int HANG_SECONDS = 120;

    private final AlignedBuffer arena;
    private final NbdDisk disk;
    private final DiskDriver driver;
    private final SeededRandom random;
    private boolean connected = true;

    /** Drives {@code attached}, whose image held {@code content} before; while attached, nobody may read it on XFS. */
    public DriverOverNbd(AttachedDisk attached, byte[] content, SeededRandom random) throws IOException {
        this.random = random;
        AtomicLong moments = new AtomicLong();
        arena = new AlignedBuffer(DiskDriver.arenaBytes(DEPTH, TRANSFER_LIMIT));
        disk = new NbdDisk(attached.socket(), CONNECTIONS, DEPTH);
        ShadowDisk shadow = new ShadowDisk(content);
        driver = new DiskDriver(disk, disk, arena, shadow, moments::incrementAndGet, TRANSFER_LIMIT, HANG_SECONDS);
    }

    public DiskDriver driver() {
        return driver;
    }

    /** Does {@code count} random requests, comparing all that is read. */
    public void run(long count) {
        for (long left = count; left > 0; left -= ROUND_REQUESTS) {
            Workload workload = new Workload(random, driver);
            for (long i = Math.min(left, ROUND_REQUESTS); i > 0; i--) {
                driver.submit(workload.next());
            }
            driver.settle();
        }
    }

    /** Returns when all that was written is on stable storage. */
    public void flush() {
        driver.run(Operation.FLUSH, 0, 0);
    }

    /** Fails unless {@code file}, read past the page cache, holds what was written. */
    public void check(Path file) throws IOException {
        driver.shadow().check(0, DirectFile.read(file), driver.shadow().now());
    }

    /** Ends its connections; {@link #check} can still be asked. */
    public void disconnect() throws IOException {
        if (connected) {
            connected = false;
            driver.abandon();
            disk.close();
        }
    }

    @Override
    public void close() throws IOException {
        disconnect();
        arena.close();
    }
}
