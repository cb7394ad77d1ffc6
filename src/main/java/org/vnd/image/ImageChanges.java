package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.FileCalls;
import org.vnd.sys.InotifyCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.abi.InotifyEvent;
import org.vnd.sys.abi.PollFd;

/**
 * Hears by inotify(7) of what others have done to the image by ways that ask for no open and wait for no lease, as vnd-lock does
 * (native/lock_changes.h): for when that is stopped, or there is none at this moment.
 */
final class ImageChanges implements AutoCloseable, Runnable {
    private static final int EVENTS_AT_ONCE = 64;

    /** Who writes all the time makes as many events: the rest the next time. */
    private static final int READS_MAX = 16;

    /** Where the watch has ended by itself, nothing wakes the thread. */
    private static final int POLL_MILLIS = 5000;

    private final int fd;
    private final int watch;
    private final Runnable heard;
    private final ByteBuffer events = Libc.struct(EVENTS_AT_ONCE * InotifyEvent.SIZE_BYTES);
    private final Thread thread = new Thread(this, "vnd-changes");
    private volatile boolean closed;

    private ImageChanges(int fd, int watch, Runnable heard) {
        this.fd = fd;
        this.watch = watch;
        this.heard = heard;
    }

    /**
     * Listens from now on; null where that can't be had, beyond fs.inotify.max_user_instances for one.
     *
     * @param heard runs for each change or more of them, on a thread of this, or on the one that calls {@link #hear}
     */
    static @Nullable ImageChanges of(int image, Runnable heard) {
        int fd = InotifyCalls.init(FileCalls.O_NONBLOCK);
        if (fd < 0) {
            return null;
        }
        int watch = InotifyCalls.watch(fd, "/proc/self/fd/" + image, InotifyEvent.IN_MODIFY);
        if (watch < 0) {
            FileCalls.close(fd);
            return null;
        }
        ImageChanges changes = new ImageChanges(fd, watch, heard);
        changes.thread.setDaemon(true);
        try {
            changes.thread.start();
        } catch (OutOfMemoryError e) {
            // Of threads, as beyond pids.max.
            changes.end();
            return null;
        }
        return changes;
    }

    /** What was done before this is called is heard when it returns. */
    synchronized void hear() {
        boolean changed = false;
        long length;
        for (int reads = 0;
                !closed
                        && reads < READS_MAX
                        && (length = FileCalls.read(fd, Libc.address(events), events.capacity())) > 0;
                reads++) {
            for (int at = 0; at < length; at += InotifyEvent.SIZE_BYTES) {
                int mask = events.getInt(at + InotifyEvent.MASK_OFFSET);
                changed |= (mask & (InotifyEvent.IN_MODIFY | InotifyEvent.IN_Q_OVERFLOW)) != 0;
            }
        }
        if (changed) {
            heard.run();
        }
    }

    @Override
    public void run() {
        ByteBuffer waiting = Libc.struct(PollFd.SIZE_BYTES)
                .putInt(PollFd.FD_OFFSET, fd)
                .putShort(PollFd.EVENTS_OFFSET, SocketCalls.POLLIN);
        try {
            while (!closed) {
                SocketCalls.poll(Libc.address(waiting), 1, POLL_MILLIS);
                hear();
            }
        } finally {
            Reference.reachabilityFence(waiting);
            end();
        }
    }

    /** Once nobody has a use for it. */
    private synchronized void end() {
        closed = true;
        FileCalls.close(fd);
    }

    /** Listens no more. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            // Which wakes the thread.
            InotifyCalls.unwatch(fd, watch);
        }
    }
}
