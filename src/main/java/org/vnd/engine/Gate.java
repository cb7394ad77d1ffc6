package org.vnd.engine;

/**
 * Whether I/O may go on: told by the thread that watches the image's layout lock, obeyed by the thread that does I/O.
 *
 * <p>The lock is known to hold only as of the last look at it. When nobody has looked for {@code freshNanos} (the process
 * was stopped, say), the gate is shut by itself until somebody has: after lease-break-time an intruder gets the file, and
 * nothing may be written through a stale map.
 */
public final class Gate {
    /** What the I/O thread may do. */
    public enum State {
        /** I/O goes on. */
        OPEN,
        /** No operation starts; those in flight finish. */
        HELD,
        /** The disk has failed: every request is answered with an I/O error. */
        FAILED
    }

    private final long freshNanos;
    private volatile State state = State.OPEN;
    private volatile long verifiedNanos = System.nanoTime();
    private volatile boolean quiet;
    private volatile String failure = "";

    /** A gate that trusts a look at the lock for {@code freshNanos}; {@link Long#MAX_VALUE} where there is no lock. */
    public Gate(long freshNanos) {
        this.freshNanos = freshNanos;
    }

    /** On the I/O thread: whether an operation may start now. */
    boolean open() {
        return state == State.OPEN && System.nanoTime() - verifiedNanos < freshNanos;
    }

    /** What was decided last; a gate shut by age is still OPEN here. */
    public State state() {
        return state;
    }

    /** Why the disk has failed, for people; empty when it hasn't. */
    public String failure() {
        return failure;
    }

    /**
     * The lock was seen to hold at {@code nanos} of {@link System#nanoTime}, taken before looking. The gate may have been
     * shut by age until now: the I/O thread must be woken, because requests may wait.
     */
    public void verified(long nanos) {
        verifiedNanos = nanos;
    }

    /** Lets no operation start; {@link #quiet} tells when those in flight are done. */
    public synchronized void hold() {
        quiet = false;
        if (state == State.OPEN) {
            state = State.HELD;
        }
    }

    /** Opens again after {@link #hold}. */
    public synchronized void release() {
        if (state == State.HELD) {
            state = State.OPEN;
        }
    }

    /** Fails the disk for good: one who holds or releases at the same time doesn't undo it. */
    public synchronized void fail(String reason) {
        failure = reason;
        state = State.FAILED;
    }

    /** On the I/O thread: nothing is in flight and nothing will start. */
    void becameQuiet() {
        quiet = true;
    }

    /** Whether the I/O thread has said, since {@link #hold}, that nothing is in flight. */
    public boolean quiet() {
        return quiet;
    }
}
