package org.vnd.daemon;

import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import org.vnd.engine.Gate;
import org.vnd.image.AttachedImage;

/**
 * Looks at the image's layout lock for as long as the disk is attached. When it is gone, requests wait while the map is
 * read again: unchanged, it is locked anew and they go on; changed, the disk fails. Never a write through a stale map.
 */
final class Watcher implements Runnable {
    /** Once a second: an intruder waits lease-break-time, 45 s by default, before the file is his. */
    private static final long INTERVAL_NANOS = 1_000_000_000L;

    private static final long QUIET_POLL_NANOS = 1_000_000;

    private final AttachedImage image;
    private final Gate gate;
    private final QueueThread queue;
    private final Thread thread = new Thread(this, "vnd-watcher");
    private volatile boolean ending;

    private Watcher(AttachedImage image, Gate gate, QueueThread queue) {
        this.image = image;
        this.gate = gate;
        this.queue = queue;
    }

    static Watcher start(AttachedImage image, Gate gate, QueueThread queue) {
        Watcher watcher = new Watcher(image, gate, queue);
        watcher.thread.setDaemon(true);
        watcher.thread.start();
        return watcher;
    }

    /** Looks no more; what is going on is finished first. */
    void end() {
        ending = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void run() {
        while (!ending && gate.state() != Gate.State.FAILED) {
            long before = System.nanoTime();
            try {
                if (!image.verify()) {
                    takeBack();
                } else if (gate.verified(before)) {
                    queue.wakeUp();
                }
            } catch (IOException e) {
                fail("the layout lock can't be watched: " + e.getMessage());
            }
            LockSupport.parkNanos(INTERVAL_NANOS);
        }
    }

    /** The lock is gone: holds requests, and gets it back if the layout is what it was. */
    private void takeBack() throws IOException {
        Log.line("the layout lock was taken away: requests wait");
        gate.hold();
        queue.wakeUp();
        while (!gate.quiet()) {
            LockSupport.parkNanos(QUIET_POLL_NANOS);
        }
        long before = System.nanoTime();
        if (!image.relock()) {
            fail("the layout of the image was changed from outside while it was attached");
            return;
        }
        Log.line("locked again, and the layout is unchanged: requests go on");
        gate.verified(before);
        gate.release();
        queue.wakeUp();
    }

    private void fail(String reason) {
        Log.line("the disk fails: " + reason);
        gate.fail(reason);
        queue.wakeUp();
    }
}
