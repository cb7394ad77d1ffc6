package org.vnd.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.sys.SysException;

/** A ring whose last waits were short, so that it looks before it sleeps. */
class BusyPollingRingTest extends RingConformance {
    private static final int WAITS = 200;

    /** Long enough for two system calls, short enough to be seen before a look is over. */
    private static final long SHORT_NANOS = BusyPoll.LONGEST_NANOS / 5;

    private BusyPoll poll = new BusyPoll();

    @Override
    Ring open(int capacity) {
        try {
            Ring opened = new UringRing(capacity);
            opened.busyPoll(shortWaits());
            return opened;
        } catch (SysException e) {
            return abort("no io_uring here: " + e.getMessage());
        }
    }

    private BusyPoll shortWaits() {
        poll = new BusyPoll();
        for (int n = 0; n < 4; n++) {
            poll.waited(0);
        }
        assertEquals(BusyPoll.LONGEST_NANOS, poll.limitNanos());
        return poll;
    }

    private static long sleeps() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/thread-self/status"))) {
            if (line.startsWith("voluntary_ctxt_switches:")) {
                return Long.parseLong(line.substring(line.indexOf('\t') + 1));
            }
        }
        throw new AssertionError("proc_pid_status(5) promises voluntary_ctxt_switches");
    }

    /** How often the thread slept in {@link #WAITS} waits of {@code nanos}, looking as before each a short one. */
    private long sleepsIn(long nanos, boolean looks) throws SysException, IOException {
        try (Ring ring = new UringRing(10)) {
            int handler = ring.addHandler((tag, result) -> {});
            long before = sleeps();
            for (int n = 0; n < WAITS; n++) {
                ring.busyPoll(looks ? shortWaits() : null);
                ring.timeout(handler, 1, nanos);
                assertEquals(1, ring.run(true));
            }
            return sleeps() - before;
        }
    }

    @Test
    void sleepsLessThanARingThatDoesNotLook() throws Exception {
        long looking = sleepsIn(SHORT_NANOS, true);
        long sleeping = sleepsIn(SHORT_NANOS, false);
        // A busy machine may be late with some timers.
        assertTrue(looking < sleeping / 2, looking + " and " + sleeping + " sleeps");
    }

    @Test
    void sleepsWhenItTakesLonger() throws Exception {
        long sleeps = sleepsIn(20 * BusyPoll.LONGEST_NANOS, true);
        assertTrue(sleeps > WAITS / 2, sleeps + " sleeps");
        assertEquals(0, poll.limitNanos(), "it was told how long it took");
    }
}
