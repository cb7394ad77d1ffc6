package org.vnd.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BusyPollTest {
    private final BusyPoll poll = new BusyPoll();

    @Test
    void doesNotLookBeforeItHasSeenAShortWait() {
        assertEquals(0, poll.limitNanos());
    }

    @Test
    void looksForLongerWhileWaitsAreShortUpToTheBound() {
        List<Long> limits = new ArrayList<>();
        for (int n = 0; n < 5; n++) {
            poll.waited(BusyPoll.LONGEST_NANOS);
            limits.add(poll.limitNanos());
        }
        assertEquals(List.of(10_000L, 20_000L, 40_000L, 50_000L, 50_000L), limits);
    }

    @Test
    void aLongWaitEndsIt() {
        poll.waited(1);
        assertTrue(poll.limitNanos() > 0);
        poll.waited(BusyPoll.LONGEST_NANOS + 1);
        assertEquals(0, poll.limitNanos());
    }
}
