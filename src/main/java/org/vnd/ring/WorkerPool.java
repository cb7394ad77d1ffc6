package org.vnd.ring;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.ThreadCalls;

/**
 * Threads that do blocking calls for one ring. Work goes out by a ring of operation numbers that one thread fills and
 * many empty, and comes back by one that many fill and one empties; neither can be full, because there are no more
 * numbers than places.
 *
 * <p>Workers wait on a semaphore eventfd(2) rather than on a monitor: nothing is allocated while waiting or waking, and
 * the number of tokens is the number of places a worker may take without looking.
 */
final class WorkerPool implements AutoCloseable {
    /** What a worker does with an operation. */
    interface Work {
        void perform(int operation);
    }

    /** The disk's queue depth in this mode. Eight saturate most disks, and qemu-nbd's thread pool is of that order. */
    static final int WORKERS = 8;

    private final int mask;
    private final AtomicIntegerArray todo;
    private final AtomicIntegerArray done;
    private final AtomicLong todoHead = new AtomicLong();
    private final AtomicLong doneTail = new AtomicLong();
    private final Work work;
    private final WakeUp finished;
    private final int semaphore;
    private final AlignedBuffer memory = new AlignedBuffer(WORKERS * 8 + 16);
    private final Thread[] threads = new Thread[WORKERS];
    private long todoTail;
    private long doneHead;
    private volatile boolean stopping;
    /** What was thrown by a worker, whose operation never comes back. */
    private volatile @Nullable Throwable failure;

    /** A pool for operations numbered 0 to {@code capacity} − 1, which signals {@code finished} after each. */
    WorkerPool(int capacity, Work work, WakeUp finished) throws SysException {
        int places = Integer.highestOneBit(Math.max(2, capacity) - 1) << 1;
        this.mask = places - 1;
        this.todo = new AtomicIntegerArray(places);
        this.done = new AtomicIntegerArray(places);
        this.work = work;
        this.finished = finished;
        this.semaphore = (int) Libc.check(SocketCalls.eventfd(0, SocketCalls.EFD_SEMAPHORE), "eventfd", "");
        memory.bytes().putLong(0, 1);
        memory.bytes().putLong(8, WORKERS);
        for (int at = 0; at < WORKERS; at++) {
            long scratch = memory.address() + 16 + at * 8L;
            threads[at] = new Thread(() -> run(scratch), "vnd-io-" + at);
            threads[at].setDaemon(true);
            threads[at].start();
        }
    }

    /** Hands out an operation; on the ring's thread. */
    void start(int operation) {
        todo.setRelease((int) (todoTail++ & mask), operation);
        FileCalls.write(semaphore, memory.address(), 8);
    }

    /**
     * An operation that is done, or −1; on the ring's thread, which must not wait for one that a worker has lost.
     *
     * @throws IllegalStateException a worker has failed
     */
    int nextDone() {
        int place = (int) (doneHead & mask);
        int stored = done.getAcquire(place);
        if (stored == 0) {
            Throwable thrown = failure;
            if (thrown != null) {
                throw new IllegalStateException("an operation was lost", thrown);
            }
            return -1;
        }
        done.setPlain(place, 0);
        doneHead++;
        return stored - 1;
    }

    private void run(long scratch) {
        try {
            work(scratch);
        } catch (Throwable e) {
            // Thrown again where it can't be overlooked: on the thread that the disk lives by.
            failure = e;
            finished.signal();
        }
    }

    private void work(long scratch) {
        while (true) {
            long result = FileCalls.read(semaphore, scratch, 8);
            if (stopping) {
                return;
            }
            if (result == 8) {
                int operation = take();
                work.perform(operation);
                done.setRelease((int) (doneTail.getAndIncrement() & mask), operation + 1);
                finished.signal();
            }
        }
    }

    /** The next number, of which there is one for each token. */
    private int take() {
        while (true) {
            long head = todoHead.get();
            int operation = todo.getAcquire((int) (head & mask));
            // Read before the place is given up: a worker held up in between would find a later number there.
            if (todoHead.compareAndSet(head, head + 1)) {
                return operation;
            }
        }
    }

    /** Ends the workers; one that is inside a call ends after it. */
    @Override
    public void close() {
        stopping = true;
        FileCalls.write(semaphore, memory.address() + 8, 8);
        for (Thread thread : threads) {
            ThreadCalls.join(thread);
        }
        FileCalls.close(semaphore);
        memory.close();
    }
}
