package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** System calls on threads. Each returns a value ≥ 0 or a negated errno; see {@link Libc}. */
public final class ThreadCalls {
    // include/uapi/linux/sched.h
    public static final int SCHED_OTHER = 0;
    public static final int SCHED_BATCH = 3;

    private static final long GETTID = Libc.symbol("gettid");
    private static final long SCHED_SETSCHEDULER = Libc.symbol("sched_setscheduler");

    private ThreadCalls() {}

    /** gettid(2): the calling thread's number in /proc. */
    public static int currentThread() {
        // It takes no argument, and looks at none.
        return Libc.callInt(GETTID, 0);
    }

    /** sched_setscheduler(2) to one of the policies that have no priorities. */
    public static int setScheduler(int thread, int policy) {
        ByteBuffer parameters = Libc.struct(Integer.BYTES);
        try {
            return Libc.callInt(SCHED_SETSCHEDULER, thread, policy, Libc.address(parameters));
        } finally {
            Reference.reachabilityFence(parameters);
        }
    }

    /**
     * Waits until {@code thread} has ended, whatever interrupts: it uses descriptors and memory that are given back behind
     * it. An interruption is there again afterwards. Returns at once if it was never started.
     */
    public static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
