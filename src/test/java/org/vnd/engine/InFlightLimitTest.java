package org.vnd.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Against a disk that does one operation after the other, at a pace of its own, on a clock that the test moves. */
@ExtendWith(Seeded.class)
class InFlightLimitTest {
    private static final long GIVEN_NANOS = TimeUnit.MILLISECONDS.toNanos(4500);

    private record InFlight(long lengthBytes, long aheadBytes, long startedNanos) {}

    private final InFlightLimit limit = new InFlightLimit();
    private final Queue<InFlight> queue = new ArrayDeque<>();
    private long nowNanos;
    private long queuedBytes;

    private void fill(long mostBytes, SeededRandom random) {
        while (limit.roomBytes() >= 8192) {
            long wanted = Math.max(4096, random.below(mostBytes) & -4096);
            long length = Math.min(wanted, limit.roomBytes() & -4096);
            queue.add(new InFlight(length, limit.started(length), nowNanos));
            queuedBytes += length;
        }
    }

    private void doOne(double bytesPerSecond, long overheadNanos) {
        InFlight done = queue.remove();
        queuedBytes -= done.lengthBytes;
        nowNanos += overheadNanos + (long) (done.lengthBytes / bytesPerSecond * 1e9);
        limit.done(done.lengthBytes, done.aheadBytes, nowNanos - done.startedNanos, GIVEN_NANOS);
    }

    @ParameterizedTest
    @ValueSource(doubles = {50e3, 1e6, 5e6, 100e6, 3e9})
    void whatIsInFlightIsDoneInTime(double bytesPerSecond, SeededRandom random) {
        long worst = 0;
        for (int operation = 0; operation < 20_000; operation++) {
            fill(4 << 20, random);
            doOne(bytesPerSecond, 0);
            if (operation > 100) {
                worst = Math.max(worst, queuedBytes);
            }
        }
        double seconds = worst / bytesPerSecond;
        double least = InFlightLimit.LEAST_BYTES / bytesPerSecond;
        assertTrue(seconds <= Math.max(least, 4.5) * 1.01, seconds + " s of work in flight");
        // And no less than keeps it busy.
        assertTrue(worst >= Math.min(InFlightLimit.MOST_BYTES, bytesPerSecond * 4.5) / 4, worst + " bytes in flight");
    }

    @Test
    void aDiskThatBecomesSlowIsGivenLess(SeededRandom random) {
        for (int operation = 0; operation < 1000; operation++) {
            fill(4 << 20, random);
            doOne(1e9, 0);
        }
        assertTrue(queuedBytes > InFlightLimit.MOST_BYTES - (4 << 20), queuedBytes + " bytes in flight");
        long moved = 0;
        while (queuedBytes > 4.5e6) {
            moved += queue.element().lengthBytes;
            doOne(1e6, 0);
            fill(4 << 20, random);
            assertTrue(moved <= 2 * InFlightLimit.MOST_BYTES, "still " + queuedBytes + " bytes in flight");
        }
    }

    @Test
    void aFlushTellsNothing(SeededRandom random) {
        for (int operation = 0; operation < 100; operation++) {
            fill(1 << 20, random);
            doOne(1e9, 0);
        }
        long before = limit.roomBytes() + queuedBytes;
        limit.done(0, limit.started(0), TimeUnit.SECONDS.toNanos(10), GIVEN_NANOS);
        assertEquals(before, limit.roomBytes() + queuedBytes);
    }

    /** Where there is no lock there is no hurry. */
    @Test
    void withoutALockItIsTheMost(SeededRandom random) {
        for (int operation = 0; operation < 100; operation++) {
            long length = 4096 + random.below(1 << 20);
            limit.done(length, limit.started(length), TimeUnit.SECONDS.toNanos(10), Long.MAX_VALUE / 10);
        }
        assertEquals(InFlightLimit.MOST_BYTES, limit.roomBytes());
    }
}
