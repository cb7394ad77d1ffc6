package org.vnd.engine;

import java.util.function.BooleanSupplier;
import org.vnd.ring.Fence;

/**
 * Whether I/O may go on: told by the thread that watches the image's layout lock, obeyed by the thread that does I/O, and
 * asked once more, as the ring's {@link Fence}, where an operation leaves this process.
 *
 * <p>The lock is known to hold only as of the last look at it. When nobody has looked for as long as a look is good (the
 * process was stopped, say), the gate is shut by itself until somebody has: after lease-break-time an intruder gets the file,
 * and nothing may be written through a stale map.
 */
public final class Gate implements Fence {
    /** What the I/O thread may do. */
    public enum State {
        /** I/O goes on. */
        OPEN,
        /** No operation starts; those in flight finish. */
        HELD,
        /** The disk has failed: every request is answered with an I/O error. */
        FAILED
    }

    /** Of what an intruder is kept waiting, a look is good for half: what starts just before its end is done in time. */
    private static final int FRESH_PART = 2;

    /** And what is in flight has to be done in a tenth: it may take several times as long as was measured. */
    private static final int IN_FLIGHT_PART = 10;

    private final BooleanSupplier lockHolds;
    private volatile State state = State.OPEN;
    /** When the lock was looked at, and for how long that is good: one reference, so that nobody sees half of it. */
    private volatile Look look;

    private volatile boolean quiet;
    private volatile String failure = "";

    private record Look(long atNanos, long breakNanos) {
        boolean fresh(long nowNanos) {
            return nowNanos - atNanos < breakNanos / FRESH_PART;
        }
    }

    /** A gate whose lock was looked at just now; see {@link #verified}. */
    public Gate(long breakNanos) {
        this(breakNanos, () -> true);
    }

    /** The same, shut by itself while {@code lockHolds}, asked on the I/O thread for each operation, says no. */
    public Gate(long breakNanos, BooleanSupplier lockHolds) {
        this.lockHolds = lockHolds;
        look = new Look(System.nanoTime(), breakNanos);
    }

    /** For the ring, on any thread. */
    @Override
    public boolean open() {
        return state == State.OPEN && look.fresh(System.nanoTime());
    }

    /** On the I/O thread, which knows what the time is: whether an operation may start, or has been done in time. */
    boolean open(long nowNanos) {
        return state == State.OPEN && look.fresh(nowNanos) && lockHolds.getAsBoolean();
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
     * The lock was seen to hold. The gate may have been shut by age until now: the I/O thread must be woken, because requests
     * may wait.
     *
     * @param nanos of {@link System#nanoTime}, taken before looking
     * @param breakNanos for how long an intruder was kept waiting then; {@link Long#MAX_VALUE} where there is no lock
     */
    public void verified(long nanos, long breakNanos) {
        look = new Look(nanos, breakNanos);
    }

    /** In what time all that is in flight has to be done. */
    long inFlightNanos() {
        return look.breakNanos / IN_FLIGHT_PART;
    }

    /** Lets no operation start; {@link #quiet} tells when those in flight are done. */
    public synchronized void hold() {
        if (state == State.OPEN) {
            state = State.HELD;
        }
        // After it: the I/O thread may just be saying that it is quiet, for an earlier hold. What it says from here on
        // is about
        // this one, since it starts nothing any more.
        quiet = false;
    }

    /** Opens again after {@link #hold}. */
    public synchronized void release() {
        if (state == State.HELD) {
            state = State.OPEN;
        }
    }

    /** Fails the disk for good: one who holds or releases at the same time doesn't undo it. The first reason stays. */
    public synchronized void fail(String reason) {
        if (state != State.FAILED) {
            failure = reason;
            state = State.FAILED;
        }
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
