package org.vnd.control;

import java.util.concurrent.locks.LockSupport;

/** What a program does when it is told to end, and at its end. */
public final class EndHook {
    private EndHook() {}

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
