package org.vnd.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * The watcher's thread holds the gate and reads the map, the I/O thread starts operations and says when none is in flight, each
 * with pauses drawn by a seed wherever the other may come between. A gate that forgot the last word before it was held let an
 * operation be in flight while the map was read, after 41 to 363 rounds of this.
 */
@ExtendWith(Seeded.class)
class GateScheduleTest {
    private static final int ROUNDS = 20_000;
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final int MOST_IN_FLIGHT = 4;

    private final Gate gate = new Gate(Long.MAX_VALUE);
    /** Written by the I/O thread alone. */
    private volatile int inFlight;

    private volatile boolean over;

    @RepeatedTest(3)
    void nothingIsInFlightWhileItIsQuiet(SeededRandom random) throws Exception {
        SeededRandom ioRandom = new SeededRandom(random.nextLong());
        Thread io = new Thread(() -> doInputAndOutput(ioRandom));
        io.start();
        try {
            long beganNanos = System.nanoTime();
            for (int round = 0; round < ROUNDS && System.nanoTime() - beganNanos < LIMIT_NANOS; round++) {
                Gate.Shut held = gate.hold();
                while (!gate.quiet()) {
                    assertTrue(System.nanoTime() - beganNanos < 2 * LIMIT_NANOS, "nobody says that it is quiet");
                    Thread.onSpinWait();
                }
                assertEquals(0, inFlight, "at once, in round " + round);
                pause(random);
                assertEquals(0, inFlight, "later, in round " + round);
                gate.release(held);
                pause(random);
            }
        } finally {
            over = true;
            io.join();
        }
    }

    private void doInputAndOutput(SeededRandom random) {
        int started = 0;
        while (!over) {
            if (started < MOST_IN_FLIGHT && gate.open(System.nanoTime())) {
                started++;
                inFlight = started;
                pause(random);
            }
            if (started > 0 && random.oneIn(2)) {
                started--;
                inFlight = started;
            }
            Gate.Shut since = gate.shut();
            if (since != null && started == 0) {
                pause(random);
                gate.becameQuiet(since);
            }
        }
    }

    /** Mostly short, now and then as long as it takes to be put aside. */
    private static void pause(SeededRandom random) {
        int turns = random.oneIn(4) ? random.below(200) : random.below(8);
        for (int turn = 0; turn < turns; turn++) {
            Thread.onSpinWait();
        }
    }
}
