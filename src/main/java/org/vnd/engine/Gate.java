package org.vnd.engine;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
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
    /** While it is shut, why; null while it is open. Whoever says that all is quiet says since which of these. */
    private volatile @Nullable Shut shut;

    private volatile @Nullable Shut quietSince;
    /** When the lock was looked at, and for how long that is good: one reference, so that nobody sees half of it. */
    private volatile Look look;

    /** One closing of the gate; each is another. */
    public static final class Shut {
        private final State state;
        private final String failure;

        private Shut(State state, String failure) {
            this.state = state;
            this.failure = failure;
        }
    }

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
        return shut == null && look.fresh(System.nanoTime());
    }

    /** On the I/O thread, which knows what the time is: whether an operation may start, or has been done in time. */
    boolean open(long nowNanos) {
        return shut == null && look.fresh(nowNanos) && lockHolds.getAsBoolean();
    }

    /** What was decided last; a gate shut by age is still OPEN here. */
    public State state() {
        Shut now = shut;
        return now == null ? State.OPEN : now.state;
    }

    /** Why the disk has failed, for people; empty when it hasn't. */
    public String failure() {
        Shut now = shut;
        return now == null ? "" : now.failure;
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

    /**
     * Lets no operation start; {@link #quiet} tells when those in flight are done. Whoever has held it before can't open it any
     * more: he has looked at the lock before whatever this is for.
     */
    public synchronized Shut hold() {
        Shut now = shut;
        if (now == null || now.state != State.FAILED) {
            now = new Shut(State.HELD, "");
            shut = now;
        }
        return now;
    }

    /** Opens again after {@link #hold}, unless it was held anew, or has failed; whether it is open. */
    public synchronized boolean release(Shut since) {
        if (shut == since && since.state == State.HELD) {
            shut = null;
        }
        return shut == null;
    }

    /** Fails the disk for good: one who holds or releases at the same time doesn't undo it. The first reason stays. */
    public synchronized void fail(String reason) {
        if (state() != State.FAILED) {
            shut = new Shut(State.FAILED, reason);
        }
    }

    /** On the I/O thread, before it looks whether anything is in flight: since when nothing starts; null while it may. */
    @Nullable
    Shut shut() {
        return shut;
    }

    /** On the I/O thread: since {@code since} nothing has started, and nothing is in flight. */
    void becameQuiet(Shut since) {
        quietSince = since;
    }

    /** Whether the I/O thread has said, since it was shut last, that nothing is in flight. */
    public boolean quiet() {
        Shut now = shut;
        return now != null && quietSince == now;
    }
}
