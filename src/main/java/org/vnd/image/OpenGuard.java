package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FanotifyCalls;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.ThreadCalls;
import org.vnd.sys.abi.FanotifyEvent;
import org.vnd.sys.abi.FanotifyResponse;
import org.vnd.sys.abi.PollFd;

/**
 * Refuses every open of one file, with EPERM and at once, by fanotify(7), as long as this process lives. For file systems
 * where even a reader can change a file's layout, by sharing its blocks with another file.
 *
 * <p>The kernel opens the file anew for each event it reports, which would break a lease of F_WRLCK and therefore fails
 * under one; the open that was asked about is refused then too, so nobody slips in while the lock is made.
 */
final class OpenGuard implements Runnable, AutoCloseable {
    private static final int EVENTS_BYTES = 4096;
    private static final short POLLIN = 1;

    private final int group;
    private final int stop;
    private final Thread thread;

    private OpenGuard(int group, int stop) {
        this.group = group;
        this.stop = stop;
        this.thread = new Thread(this, "open guard");
        thread.setDaemon(true);
        thread.start();
    }

    /** Refuses opens of {@code file} from now on. */
    static OpenGuard start(BackingFile file) throws NotPhysicalException {
        int flags = FanotifyEvent.FAN_CLASS_CONTENT | FanotifyEvent.FAN_CLOEXEC | FanotifyEvent.FAN_NONBLOCK;
        int eventFlags = FileCalls.O_RDONLY | FileCalls.O_NONBLOCK | FileCalls.O_CLOEXEC;
        int group = FanotifyCalls.init(flags, eventFlags);
        if (group < 0) {
            throw unguarded("fanotify: " + Errno.message(-group));
        }
        int marked =
                FanotifyCalls.mark(group, FanotifyEvent.FAN_MARK_ADD, FanotifyEvent.FAN_OPEN_PERM, file.pinnedPath());
        int stop = marked < 0 ? marked : SocketCalls.eventfd(0, FileCalls.O_NONBLOCK);
        if (stop < 0) {
            FileCalls.close(group);
            throw unguarded("fanotify: " + Errno.message(-stop));
        }
        return new OpenGuard(group, stop);
    }

    private static NotPhysicalException unguarded(String why) {
        return new NotPhysicalException(
                "readers could share its blocks (reflink), and they can't be kept out (" + why + ")");
    }

    /** Whether opens are being refused. */
    boolean alive() {
        return thread.isAlive();
    }

    @Override
    public void run() {
        ByteBuffer descriptors = Libc.struct(2 * PollFd.SIZE_BYTES)
                .putInt(PollFd.FD_OFFSET, group)
                .putShort(PollFd.EVENTS_OFFSET, POLLIN)
                .putInt(PollFd.SIZE_BYTES + PollFd.FD_OFFSET, stop)
                .putShort(PollFd.SIZE_BYTES + PollFd.EVENTS_OFFSET, POLLIN);
        ByteBuffer events = Libc.struct(EVENTS_BYTES);
        ByteBuffer response = Libc.struct(FanotifyResponse.SIZE_BYTES)
                .putInt(FanotifyResponse.RESPONSE_OFFSET, FanotifyResponse.FAN_DENY);
        while (descriptors.getShort(PollFd.SIZE_BYTES + PollFd.REVENTS_OFFSET) == 0) {
            long length = FileCalls.read(group, Libc.address(events), EVENTS_BYTES);
            for (int at = 0; at < length; at += events.getInt(at + FanotifyEvent.EVENT_LEN_OFFSET)) {
                refuse(events.getInt(at + FanotifyEvent.FD_OFFSET), response);
            }
            SocketCalls.poll(Libc.address(descriptors), 2, -1);
        }
        Reference.reachabilityFence(descriptors);
        Reference.reachabilityFence(events);
    }

    private void refuse(int event, ByteBuffer response) {
        if (event >= 0) {
            response.putInt(FanotifyResponse.FD_OFFSET, event);
            FileCalls.write(group, Libc.address(response), FanotifyResponse.SIZE_BYTES);
            Reference.reachabilityFence(response);
            FileCalls.close(event);
        }
    }

    /** Lets opens through again. */
    @Override
    public void close() {
        ByteBuffer one = Libc.struct(Long.BYTES).putLong(0, 1);
        FileCalls.write(stop, Libc.address(one), Long.BYTES);
        Reference.reachabilityFence(one);
        ThreadCalls.join(thread);
        FileCalls.close(group);
        FileCalls.close(stop);
    }
}
