package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.vnd.sys.ThreadCalls;

class CourtesyTest {
    private static final long SECOND_NANOS = 1_000_000_000L;
    private static final long LITTLE_NANOS = SECOND_NANOS / 4;
    private static final long MUCH_NANOS = SECOND_NANOS / 2;

    private long now = 123;
    private long waiting;
    private final Courtesy courtesy = Courtesy.decidingFrom(now);

    private boolean second(long waitedNanos) {
        now += SECOND_NANOS;
        waiting += waitedNanos;
        return courtesy.decide(now, waiting);
    }

    private int secondsUntilPolite() {
        int seconds = 0;
        while (!courtesy.polite()) {
            second(0);
            seconds++;
        }
        return seconds;
    }

    @Test
    void aThreadThatWaitsLittleStaysPolite() {
        for (int second = 0; second < 1000; second++) {
            assertFalse(second(LITTLE_NANOS));
        }
        assertTrue(courtesy.polite());
    }

    @Test
    void oneThatWaitsMuchIsNotFromTheNextLookOn() {
        assertTrue(second(MUCH_NANOS));
        assertFalse(courtesy.polite());
    }

    @Test
    void triesAgainAfterPausesThatGrowToABound() {
        second(MUCH_NANOS);
        int pause = secondsUntilPolite();
        assertEquals(2 * Courtesy.FIRST_PAUSE_NANOS / SECOND_NANOS, pause);
        for (int round = 0; round < 20; round++) {
            second(MUCH_NANOS);
            int next = secondsUntilPolite();
            assertEquals(Math.min(2 * pause, (int) (Courtesy.LONGEST_PAUSE_NANOS / SECOND_NANOS)), next);
            pause = next;
        }
        for (long second = 0; second <= Courtesy.LONGEST_PAUSE_NANOS / SECOND_NANOS; second++) {
            second(0);
        }
        second(MUCH_NANOS);
        assertEquals(Courtesy.FIRST_PAUSE_NANOS / SECOND_NANOS, secondsUntilPolite());
    }

    /** Field 41 of /proc/PID/stat is the policy, proc_pid_stat(5). */
    @Test
    void theKernelIsTold() throws Exception {
        FutureTask<Void> onItsOwnThread = new FutureTask<>(() -> {
            int self = ThreadCalls.currentThread();
            Courtesy.ofThisThread();
            assertEquals(ThreadCalls.SCHED_BATCH, policy(self));
            assertEquals(0, ThreadCalls.setScheduler(self, ThreadCalls.SCHED_OTHER));
            assertEquals(ThreadCalls.SCHED_OTHER, policy(self));
            return null;
        });
        new Thread(onItsOwnThread, "polite").start();
        onItsOwnThread.get();
    }

    private static int policy(int thread) throws Exception {
        String stat = Files.readString(Path.of("/proc/self/task/" + thread + "/stat"));
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[41 - 3]);
    }
}
