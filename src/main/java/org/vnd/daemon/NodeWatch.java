package org.vnd.daemon;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.InotifyCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.InotifyEvent;

/**
 * Tells when somebody has closed a block device's node: who writes a partition table does that, and who has the kernel read
 * one again. On a thread of its own, because what follows may take long: it reads the disk.
 */
final class NodeWatch implements Runnable {
    /** What is told. */
    interface Listener {
        /** The node was closed; {@code written} if somebody could have written to it. */
        void closed(boolean written);
    }

    /** What has happened while the listener was busy is looked at in one go; the kernel merges equal events in a row. */
    private static final int EVENTS_AT_ONCE = 256;

    private static final long AGAIN_NANOS = 500_000_000;

    private final Listener listener;
    private final int fd;
    private final String node;
    private volatile int watch;
    private volatile boolean ending;
    private final ByteBuffer events = Libc.struct(EVENTS_AT_ONCE * InotifyEvent.SIZE_BYTES);
    private final Thread thread = new Thread(this, "vnd-partitions");

    /** Watches {@code node} from now on; without inotify(7), partitions made later get no names, and the log says so. */
    NodeWatch(String node, Listener listener) {
        this.listener = listener;
        this.node = node;
        fd = InotifyCalls.init(0);
        watch = fd < 0 ? fd : watch();
        if (watch < 0) {
            Log.line("partitions made from now on get no names: inotify: " + Errno.message(-watch));
        } else {
            thread.setDaemon(true);
            thread.start();
        }
    }

    private int watch() {
        return InotifyCalls.watch(fd, node, InotifyEvent.IN_CLOSE_WRITE | InotifyEvent.IN_CLOSE_NOWRITE);
    }

    @Override
    public void run() {
        while (true) {
            long length = FileCalls.read(fd, Libc.address(events), events.capacity());
            if (length < 0 && length != -Errno.EINTR) {
                Log.line("partitions are watched no more: " + Errno.message((int) -length));
                return;
            }
            int seen = 0;
            for (int at = 0; at < length; at += InotifyEvent.SIZE_BYTES) {
                seen |= events.getInt(at + InotifyEvent.MASK_OFFSET);
            }
            if ((seen & InotifyEvent.IN_IGNORED) != 0 && !watchedAgain()) {
                FileCalls.close(fd);
                return;
            }
            if (seen != 0) {
                listener.closed((seen & InotifyEvent.IN_CLOSE_WRITE) != 0);
            }
        }
    }

    /** Somebody has removed the node, which is made anew within a second; false if nothing is to be watched any more. */
    private boolean watchedAgain() {
        while (!ending) {
            int again = watch();
            if (again >= 0) {
                watch = again;
                return !ending;
            }
            LockSupport.parkNanos(AGAIN_NANOS);
        }
        return false;
    }

    /** Watches no more; what the listener is doing it goes on with. */
    void end() {
        ending = true;
        if (watch >= 0) {
            InotifyCalls.unwatch(fd, watch);
            LockSupport.unpark(thread);
        } else if (fd >= 0) {
            FileCalls.close(fd);
        }
    }
}
