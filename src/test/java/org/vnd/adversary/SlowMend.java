package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.vnd.lab.Command;

/** A debugger that makes what puts a disk's immutable flag back take seconds. Closing it lets the daemon go. */
final class SlowMend implements AutoCloseable {
    private static final long LIMIT_SECONDS = 120;
    private static final int DELAY_MICROS = 3_000_000;

    private final long daemon;
    private final Command.Running strace;

    SlowMend(long daemon) {
        this.daemon = daemon;
        strace = new Command("strace", "-f", "-qq", "-o", "/dev/null", "-p", daemon)
                .with("-e", "trace=ioctl", "-e", "inject=ioctl:delay_enter=" + DELAY_MICROS)
                .start();
    }

    /** Waits until all of the daemon's threads are in its hands. */
    void await() throws IOException, InterruptedException {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!traced()) {
            if (!strace.alive() || System.nanoTime() - untilNanos > 0) {
                throw new AssertionError("strace hasn't attached to process " + daemon + ": " + strace.errors());
            }
            Thread.sleep(50);
        }
    }

    private boolean traced() throws IOException {
        List<Path> threads;
        try (Stream<Path> all = Files.list(Path.of("/proc", Long.toString(daemon), "task"))) {
            threads = all.toList();
        }
        for (Path thread : threads) {
            try {
                // proc_pid_status(5)
                if (!Files.readString(thread.resolve("status")).contains("TracerPid:\t" + strace.pid() + "\n")) {
                    return false;
                }
            } catch (NoSuchFileException ended) {
                // It needs no debugger.
            }
        }
        return true;
    }

    @Override
    public void close() {
        strace.close();
    }
}
