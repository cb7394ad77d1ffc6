package org.vnd.sys;

/** System calls on what this process does about signals. */
public final class SignalCalls {
    private static final long SIGNAL = Libc.symbol("signal");

    private SignalCalls() {}

    /** signal(2) with SIG_IGN, which is 1: {@code signal} does nothing to this process from now on. */
    public static void ignore(int signal) {
        // Two arguments; a third in a register does no harm.
        long unused = Libc.callLong(SIGNAL, signal, 1, 0);
    }
}
