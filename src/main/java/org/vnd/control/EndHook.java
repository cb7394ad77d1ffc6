package org.vnd.control;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What a program does when it is told to end, and at its end. */
public final class EndHook {
    private static final long ON_ITS_WAY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private EndHook() {}

    /**
     * Before it is said that a child ended without a word: the signal that ended it may have been for this program as well,
     * as of a terminal, and be on its way to the hooks still. Then they decide, and nothing is to be said. A JVM takes
     * milliseconds for that way, on a busy machine some hundreds.
     */
    public static void awaitSharedSignal() {
        long begin = System.nanoTime();
        for (long left = ON_ITS_WAY_NANOS; left > 0; left = begin + ON_ITS_WAY_NANOS - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** Has {@code end} run then. If the program was told before, this never returns: there is nothing to begin any more. */
    public static void add(Thread end) {
        try {
            Runtime.getRuntime().addShutdownHook(end);
        } catch (IllegalStateException ending) {
            while (true) {
                LockSupport.park();
            }
        }
    }
}
