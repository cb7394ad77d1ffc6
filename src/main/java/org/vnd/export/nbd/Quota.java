package org.vnd.export.nbd;

/**
 * How much of something a connection may hold: what is guaranteed to it, which no other can take, and of the rest, which is
 * common, only while it holds less of that than is left. So one alone gets half of what is common, two a third each, n get
 * 1/(n+1) each, once those who hold more have given back.
 */
final class Quota {
    private final long guaranteed;
    private final long common;
    private long commonTaken;

    /** A quota for any number of connections of which each has {@code guaranteed}, and {@code common} for all of them. */
    Quota(long guaranteed, long common) {
        assert guaranteed >= 0 && common >= 0;
        this.guaranteed = guaranteed;
        this.common = common;
    }

    /** Whether one that holds {@code held} may take {@code amount} more. */
    boolean allows(long held, long amount) {
        long after = beyond(held + amount);
        return after == 0 || after <= common - commonTaken;
    }

    /** One that held {@code held} has taken {@code amount}. */
    void take(long held, long amount) {
        commonTaken += beyond(held + amount) - beyond(held);
        assert commonTaken <= common;
    }

    /** One that held {@code held} has given back {@code amount}. */
    void giveBack(long held, long amount) {
        assert amount <= held;
        commonTaken -= beyond(held) - beyond(held - amount);
        assert commonTaken >= 0;
    }

    private long beyond(long held) {
        return Math.max(0, held - guaranteed);
    }
}
