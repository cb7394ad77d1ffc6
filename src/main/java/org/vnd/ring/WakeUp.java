package org.vnd.ring;

import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;

/** An eventfd(2) by which another thread makes a ring's {@link Ring#run} return. */
final class WakeUp implements AutoCloseable {
    private final int fd;
    private final AlignedBuffer memory;
    private final long one;
    private final long scratch;
    private Runnable action = () -> {};
    private volatile boolean closed;

    WakeUp() throws SysException {
        fd = (int) Libc.check(SocketCalls.eventfd(0, SocketCalls.SOCK_NONBLOCK), "eventfd", "");
        memory = new AlignedBuffer(2 * Long.BYTES);
        memory.bytes().putLong(0, 1);
        one = memory.address();
        scratch = memory.address() + Long.BYTES;
    }

    int fd() {
        return fd;
    }

    void action(Runnable newAction) {
        action = newAction;
    }

    /** For any thread. EAGAIN means that the counter is full, so the ring is about to wake up anyway. */
    void signal() {
        if (!closed) {
            FileCalls.write(fd, one, Long.BYTES);
        }
    }

    /** On the ring's thread, once {@link #fd} is readable. */
    void consume() {
        FileCalls.read(fd, scratch, Long.BYTES);
        action.run();
    }

    @Override
    public void close() {
        closed = true;
        FileCalls.close(fd);
        memory.close();
    }
}
