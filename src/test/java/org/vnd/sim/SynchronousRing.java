package org.vnd.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.CompletionHandler;
import org.vnd.ring.Fence;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;

/**
 * A ring that does what it is asked one after the other in {@link #run}, with a clock that only moves when nothing else is
 * left to do: the same calls always give the same order. Files and timers, no sockets.
 */
public final class SynchronousRing implements Ring {
    private interface Call {
        long perform();
    }

    private record Prepared(int handler, long tag, Call call) {}

    private record Timer(long deadlineNanos, long number, CompletionHandler handler, long tag) {}

    private final List<CompletionHandler> handlers = new ArrayList<>();
    private final Queue<Prepared> prepared = new ArrayDeque<>();
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::deadlineNanos).thenComparingLong(Timer::number));
    private Runnable wakeUpAction = () -> {};
    private int fencedHandler = -1;
    private Fence fence = () -> true;
    private long nowNanos;
    private long timerNumber;

    @Override
    public int addHandler(CompletionHandler handler) {
        handlers.add(handler);
        return handlers.size() - 1;
    }

    @Override
    public void fence(int handler, Fence asked) {
        fencedHandler = handler;
        fence = asked;
    }

    private void prepare(int handler, long tag, Call call) {
        prepared.add(new Prepared(handler, tag, call));
    }

    @Override
    public void read(int handler, long tag, int fd, long address, int length, long offset) {
        prepare(handler, tag, () -> FileCalls.pread(fd, address, length, offset));
    }

    @Override
    public void write(int handler, long tag, int fd, long address, int length, long offset) {
        prepare(handler, tag, () -> FileCalls.pwrite(fd, address, length, offset));
    }

    @Override
    public void dataSync(int handler, long tag, int fd) {
        prepare(handler, tag, () -> FileCalls.fdatasync(fd));
    }

    @Override
    public void allocate(int handler, long tag, int fd, int mode, long offset, long length) {
        prepare(handler, tag, () -> FileCalls.fallocate(fd, mode, offset, length));
    }

    @Override
    public void timeout(int handler, long tag, long delayNanos) {
        timers.add(new Timer(nowNanos + delayNanos, timerNumber++, handlers.get(handler), tag));
    }

    @Override
    public int run(boolean wait) {
        int count = prepared.size();
        for (int i = 0; i < count; i++) {
            Prepared next = prepared.remove();
            boolean heldBack = next.handler() == fencedHandler && !fence.open();
            int result = heldBack ? -Errno.ECANCELED : (int) next.call().perform();
            handlers.get(next.handler()).completed(next.tag(), result);
        }
        if (count == 0 && wait && !timers.isEmpty()) {
            Timer timer = timers.remove();
            nowNanos = timer.deadlineNanos();
            timer.handler().completed(timer.tag(), 0);
            return 1;
        }
        return count;
    }

    @Override
    public void wakeUp() {
        wakeUpAction.run();
    }

    @Override
    public void onWakeUp(Runnable action) {
        wakeUpAction = action;
    }

    @Override
    public void registerMemory(AlignedBuffer... buffers) {
        // Nothing to tell: memory is memory here.
    }

    @Override
    public void registerFiles(int... fd) {
        // Nothing to tell.
    }

    @Override
    public void accept(int handler, long tag, int fd) {
        throw new UnsupportedOperationException("no sockets");
    }

    @Override
    public void receive(int handler, long tag, int fd, long address, int length, int flags) {
        throw new UnsupportedOperationException("no sockets");
    }

    @Override
    public void sendMessage(int handler, long tag, int fd, long messageAddress) {
        throw new UnsupportedOperationException("no sockets");
    }

    @Override
    public void pollReadable(int handler, long tag, int fd) {
        throw new UnsupportedOperationException("no sockets");
    }

    @Override
    public String description() {
        return "one after the other";
    }

    @Override
    public void close() {
        prepared.clear();
    }
}
