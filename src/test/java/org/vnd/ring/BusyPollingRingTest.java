package org.vnd.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import org.junit.jupiter.api.Test;
import org.vnd.sys.SysException;

/** A ring whose last waits were short, so that it looks before it sleeps. */
class BusyPollingRingTest extends RingConformance {
    private final BusyPoll busyPoll = new BusyPoll();

    @Override
    Ring open(int capacity) {
        UringRing opened;
        try {
            opened = new UringRing(capacity, false, busyPoll);
        } catch (SysException e) {
            return abort("no io_uring here: " + e.getMessage());
        }
        opened.busyPoll(true);
        for (int n = 0; n < 4; n++) {
            busyPoll.waited(0);
        }
        return opened;
    }

    @Test
    void givesUpLookingAfterALongWait() throws SysException {
        assertEquals(BusyPoll.LONGEST_NANOS, busyPoll.limitNanos());
        try (Ring ring = open(10)) {
            int handler = ring.addHandler((tag, result) -> {});
            ring.timeout(handler, 1, 20 * BusyPoll.LONGEST_NANOS);
            long begin = System.nanoTime();
            assertEquals(1, ring.run(true));
            assertTrue(System.nanoTime() - begin >= 20 * BusyPoll.LONGEST_NANOS);
        }
        assertEquals(0, busyPoll.limitNanos());
    }

    @Test
    void doesNotLookUnlessAllowed() throws SysException {
        try (Ring ring = open(10)) {
            ring.busyPoll(false);
            int handler = ring.addHandler((tag, result) -> {});
            ring.timeout(handler, 1, 20 * BusyPoll.LONGEST_NANOS);
            assertEquals(1, ring.run(true));
        }
        assertEquals(BusyPoll.LONGEST_NANOS, busyPoll.limitNanos(), "nobody told it of the wait");
    }
}
