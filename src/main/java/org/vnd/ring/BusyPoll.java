package org.vnd.ring;

/**
 * For how long a ring looks for completions before its thread sleeps. To wake a thread on an idle processor takes longer
 * than a quick disk's answer, above all in a VM, where an idle processor is given back to the host.
 *
 * <p>The rule is that of KVM's halt polling (Documentation/virt/kvm/halt-polling.rst): where waits are short it looks for
 * longer, and after a long one not at all, so a disk that has little to do costs nothing. One object for each
 * kind of wait, since what follows a long wait of one kind may be a short one of another.
 */
public final class BusyPoll {
    /**
     * The longest look. An answer of a quick disk takes 10 to 40 microseconds; somebody who waits for a slower one doesn't
     * notice what waking takes.
     */
    static final long LONGEST_NANOS = 50_000;

    private static final long FIRST_NANOS = 10_000;

    private long limitNanos;

    /** How long to look now, at most. */
    long limitNanos() {
        return limitNanos;
    }

    /** It took {@code nanos} until something came, looking and sleeping together. */
    void waited(long nanos) {
        if (nanos > LONGEST_NANOS) {
            limitNanos = 0;
        } else {
            limitNanos = Math.min(LONGEST_NANOS, Math.max(FIRST_NANOS, 2 * limitNanos));
        }
    }
}
