package org.vnd.ring;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.PollFd;

/**
 * The ring where there is no io_uring (a container's seccomp filter, an old kernel): calls on files go to a pool of
 * threads, calls on sockets are made here without blocking when poll(2) says so.
 */
public final class ThreadRing implements Ring {
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DATA_SYNC = 2;
    private static final int ALLOCATE = 3;
    private static final int ACCEPT = 4;
    private static final int RECEIVE = 5;
    private static final int SEND = 6;
    private static final int POLL = 7;
    private static final int TIMEOUT = 8;

    private final String reason;
    private final int capacity;
    private final CompletionHandler[] handlers = new CompletionHandler[HANDLER_LIMIT];
    private int handlerCount;

    // One operation a number, a field an array: written by this thread before the number goes to a worker.
    private final int[] kind;
    private final int[] handler;
    private final long[] tag;
    private final int[] fd;
    private final long[] address;
    private final int[] length;
    private final long[] offset;
    private final int[] flags;
    private final int[] progress;
    private final int[] result;

    private final int[] free;
    private int freeCount;
    /** Operations on sockets and timers that wait here, in order of arrival. */
    private final int[] waiting;

    private int waitingCount;
    /** How many of {@link #waiting}, from the front, poll(2) has been asked about; the others are new. */
    private int polledCount;
    /** Operations that are done and not given out. */
    private final int[] finished;

    private int finishedCount;
    private final AlignedBuffer pollFds;
    private final WakeUp wakeUp;
    private final WakeUp workDone;
    private final WorkerPool workers;
    private int fencedHandler = -1;
    /** Written before the first operation goes to a worker. */
    private @Nullable Fence fence;

    private boolean closed;

    /** A ring for at most {@code capacity} operations in flight; {@code reason} says why it isn't an io_uring. */
    public ThreadRing(int capacity, String reason) throws SysException {
        this.reason = reason;
        this.capacity = capacity;
        kind = new int[capacity];
        handler = new int[capacity];
        tag = new long[capacity];
        fd = new int[capacity];
        address = new long[capacity];
        length = new int[capacity];
        offset = new long[capacity];
        flags = new int[capacity];
        progress = new int[capacity];
        result = new int[capacity];
        free = new int[capacity];
        Arrays.setAll(free, at -> at);
        freeCount = capacity;
        waiting = new int[capacity];
        finished = new int[capacity];
        pollFds = new AlignedBuffer((capacity + 2) * PollFd.SIZE_BYTES);
        wakeUp = new WakeUp();
        workDone = new WakeUp();
        workers = new WorkerPool(capacity, this::perform, workDone);
    }

    @Override
    public int addHandler(CompletionHandler added) {
        handlers[handlerCount] = added;
        return handlerCount++;
    }

    @Override
    public void registerMemory(AlignedBuffer... buffers) {
        // Nothing to tell: every call pins its pages anew.
    }

    @Override
    public void registerFiles(int... files) {
        // Nothing to tell.
    }

    @Override
    public void fence(int user, Fence asked) {
        assert fence == null : "one fence a ring";
        fencedHandler = user;
        fence = asked;
    }

    private int take(int newKind, int newHandler, long newTag, int newFd) {
        assert freeCount > 0 : "more operations in flight than the ring's capacity " + capacity;
        int operation = free[--freeCount];
        kind[operation] = newKind;
        handler[operation] = newHandler;
        tag[operation] = newTag;
        fd[operation] = newFd;
        progress[operation] = 0;
        flags[operation] = 0;
        return operation;
    }

    @Override
    public void read(int user, long userTag, int file, long memory, int count, long at) {
        startTransfer(READ, user, userTag, file, memory, count, at);
    }

    @Override
    public void write(int user, long userTag, int file, long memory, int count, long at) {
        startTransfer(WRITE, user, userTag, file, memory, count, at);
    }

    private void startTransfer(int newKind, int user, long userTag, int file, long memory, int count, long at) {
        int operation = take(newKind, user, userTag, file);
        address[operation] = memory;
        length[operation] = count;
        offset[operation] = at;
        workers.start(operation);
    }

    @Override
    public void dataSync(int user, long userTag, int file) {
        workers.start(take(DATA_SYNC, user, userTag, file));
    }

    @Override
    public void allocate(int user, long userTag, int file, int mode, long at, long count) {
        int operation = take(ALLOCATE, user, userTag, file);
        flags[operation] = mode;
        offset[operation] = at;
        address[operation] = count;
        workers.start(operation);
    }

    @Override
    public void accept(int user, long userTag, int file) {
        // accept(2) has no MSG_DONTWAIT, and the client that poll saw may be gone again.
        FileCalls.fcntl(file, FileCalls.F_SETFL, FileCalls.fcntl(file, FileCalls.F_GETFL, 0) | FileCalls.O_NONBLOCK);
        waiting[waitingCount++] = take(ACCEPT, user, userTag, file);
    }

    @Override
    public void receive(int user, long userTag, int file, long memory, int count, int receiveFlags) {
        int operation = take(RECEIVE, user, userTag, file);
        address[operation] = memory;
        length[operation] = count;
        flags[operation] = receiveFlags;
        waiting[waitingCount++] = operation;
    }

    @Override
    public void sendMessage(int user, long userTag, int file, long messageAddress) {
        int operation = take(SEND, user, userTag, file);
        address[operation] = messageAddress;
        waiting[waitingCount++] = operation;
    }

    @Override
    public void pollReadable(int user, long userTag, int file) {
        waiting[waitingCount++] = take(POLL, user, userTag, file);
    }

    @Override
    public void timeout(int user, long userTag, long delayNanos) {
        int operation = take(TIMEOUT, user, userTag, -1);
        offset[operation] = System.nanoTime() + delayNanos;
        waiting[waitingCount++] = operation;
    }

    /** On a worker's thread. */
    private void perform(int operation) {
        Fence asked = fence;
        if (asked != null && handler[operation] == fencedHandler && !asked.open()) {
            result[operation] = -Errno.ECANCELED;
            return;
        }
        int file = fd[operation];
        long outcome = switch (kind[operation]) {
            case READ -> FileCalls.pread(file, address[operation], length[operation], offset[operation]);
            case WRITE -> FileCalls.pwrite(file, address[operation], length[operation], offset[operation]);
            case DATA_SYNC -> FileCalls.fdatasync(file);
            default -> FileCalls.fallocate(file, flags[operation], offset[operation], address[operation]);
        };
        result[operation] = (int) outcome;
    }

    @Override
    public int run(boolean wait) throws SysException {
        collect(false);
        boolean woken;
        do {
            poll(finishedCount == 0 && wait);
            woken = polled(0);
            collect(true);
        } while (finishedCount == 0 && wait && !woken);
        return giveOut();
    }

    private void poll(boolean block) throws SysException {
        polledCount = waitingCount;
        setPollFd(0, wakeUp.fd(), SocketCalls.POLLIN);
        setPollFd(1, workDone.fd(), SocketCalls.POLLIN);
        long now = System.nanoTime();
        long nextNanos = Long.MAX_VALUE;
        for (int at = 0; at < waitingCount; at++) {
            int operation = waiting[at];
            boolean timer = kind[operation] == TIMEOUT;
            setPollFd(
                    at + 2,
                    timer ? -1 : fd[operation],
                    kind[operation] == SEND ? SocketCalls.POLLOUT : SocketCalls.POLLIN);
            if (timer) {
                nextNanos = Math.min(nextNanos, Math.max(0, offset[operation] - now));
            }
        }
        int timeoutMillis = -1;
        if (!block) {
            timeoutMillis = 0;
        } else if (nextNanos != Long.MAX_VALUE) {
            timeoutMillis = (int) Math.min(Integer.MAX_VALUE, (nextNanos + 999_999) / 1_000_000);
        }
        int outcome = SocketCalls.poll(pollFds.address(), waitingCount + 2, timeoutMillis);
        if (outcome < 0 && outcome != -Errno.EINTR) {
            throw new SysException("poll", "", -outcome);
        }
    }

    private void setPollFd(int at, int file, short events) {
        int index = at * PollFd.SIZE_BYTES;
        pollFds.bytes().putInt(index + PollFd.FD_OFFSET, file);
        pollFds.bytes().putShort(index + PollFd.EVENTS_OFFSET, events);
        pollFds.bytes().putShort(index + PollFd.REVENTS_OFFSET, (short) 0);
    }

    private boolean polled(int at) {
        return pollFds.bytes().getShort(at * PollFd.SIZE_BYTES + PollFd.REVENTS_OFFSET) != 0;
    }

    /**
     * Moves what is done to {@link #finished}; the rest of {@link #waiting} keeps its order. Before poll only new operations
     * on sockets are tried: a request-reply client has its next request there more often than not.
     */
    private void collect(boolean afterPoll) {
        if (afterPoll && polled(0)) {
            wakeUp.consume();
        }
        if (afterPoll && polled(1)) {
            workDone.consume();
        }
        for (int operation = workers.nextDone(); operation >= 0; operation = workers.nextDone()) {
            finished[finishedCount++] = operation;
        }
        int kept = 0;
        for (int at = 0; at < waitingCount; at++) {
            int operation = waiting[at];
            boolean asked = at < polledCount;
            boolean tryNow = afterPoll
                    ? asked && (polled(at + 2) || kind[operation] == TIMEOUT)
                    : !asked && kind[operation] != POLL && kind[operation] != TIMEOUT;
            if (tryNow && attempt(operation)) {
                finished[finishedCount++] = operation;
            } else {
                waiting[kept++] = operation;
            }
        }
        waitingCount = kept;
        polledCount = kept;
    }

    /** Tries an operation without blocking; whether it is done. */
    private boolean attempt(int operation) {
        long outcome;
        switch (kind[operation]) {
            case TIMEOUT -> {
                result[operation] = -Errno.ETIME;
                return System.nanoTime() - offset[operation] >= 0;
            }
            case POLL -> outcome = 0;
            case ACCEPT -> outcome = SocketCalls.accept(fd[operation], SocketCalls.SOCK_CLOEXEC);
            case SEND ->
                outcome = SocketCalls.sendMessage(
                        fd[operation], address[operation], SocketCalls.MSG_NOSIGNAL | SocketCalls.MSG_DONTWAIT);
            default -> {
                return attemptReceive(operation);
            }
        }
        result[operation] = (int) outcome;
        return outcome != -Errno.EAGAIN && outcome != -Errno.EINTR;
    }

    private boolean attemptReceive(int operation) {
        int got = progress[operation];
        long outcome = SocketCalls.receive(
                fd[operation], address[operation] + got, length[operation] - got, SocketCalls.MSG_DONTWAIT);
        if (outcome == -Errno.EAGAIN || outcome == -Errno.EINTR) {
            return false;
        }
        if (outcome > 0) {
            got += (int) outcome;
            progress[operation] = got;
            result[operation] = got;
            return got == length[operation] || (flags[operation] & SocketCalls.MSG_WAITALL) == 0;
        }
        // End of stream or an error after a part of MSG_WAITALL: the part first, as recv(2) does.
        result[operation] = got > 0 ? got : (int) outcome;
        return true;
    }

    private int giveOut() {
        int count = finishedCount;
        for (int at = 0; at < count; at++) {
            int operation = finished[at];
            free[freeCount++] = operation;
            handlers[handler[operation]].completed(tag[operation], result[operation]);
        }
        assert finishedCount == count : "only collect adds";
        finishedCount = 0;
        return count;
    }

    @Override
    public void wakeUp() {
        wakeUp.signal();
    }

    @Override
    public void onWakeUp(Runnable action) {
        wakeUp.action(action);
    }

    @Override
    public String description() {
        return "threads (" + reason + ")";
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            workers.close();
            wakeUp.close();
            workDone.close();
            pollFds.close();
        }
    }
}
