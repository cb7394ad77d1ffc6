package org.vnd.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class GateTest {
    private static final int ROUNDS = 2000;
    private static final int TURNS = 200;

    /** The I/O thread was held up between its look and its word. */
    @Test
    void whatIsSaidOfOneHoldIsntTakenForTheNext() {
        Gate gate = new Gate(Long.MAX_VALUE);
        Gate.Shut first = gate.hold();
        assertTrue(gate.release(first));
        gate.hold();
        gate.becameQuiet(first);
        assertFalse(gate.quiet());
        gate.becameQuiet(Objects.requireNonNull(gate.shut()));
        assertTrue(gate.quiet());
        gate.fail("reason");
        assertFalse(gate.quiet(), "something may have been started before it was held");
    }

    /** One thread has looked at the lock, and another hears of a change before the first opens the gate. */
    @Test
    void whatWasHeldAnewIsntOpenedByWhoLookedBefore() {
        Gate gate = new Gate(Long.MAX_VALUE);
        Gate.Shut first = gate.hold();
        Gate.Shut second = gate.hold();
        assertFalse(gate.release(first));
        assertEquals(Gate.State.HELD, gate.state());
        assertTrue(gate.release(second));
        assertEquals(Gate.State.OPEN, gate.state());
    }

    /** One thread looks at the lock, another at the device. */
    @Test
    void aFailureIsntUndoneByWhoHoldsAndReleasesMeanwhile() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Gate gate = new Gate(Long.MAX_VALUE);
            Thread watcher = new Thread(() -> {
                for (int turn = 0; turn < TURNS; turn++) {
                    gate.release(gate.hold());
                }
            });
            watcher.start();
            while (gate.state() == Gate.State.OPEN && watcher.isAlive()) {
                Thread.onSpinWait();
            }
            gate.fail("reason");
            watcher.join();
            assertEquals(Gate.State.FAILED, gate.state(), "round " + round);
        }
    }

    /** Before anybody has looked: a write to a file that was just cut would make it longer again. */
    @Test
    void nothingStartsOnceTheLockSaysThatItDoesntHold() {
        AtomicBoolean holds = new AtomicBoolean(true);
        Gate gate = new Gate(Long.MAX_VALUE, holds::get);
        assertTrue(gate.open(System.nanoTime()));
        holds.set(false);
        assertFalse(gate.open(System.nanoTime()));
        assertEquals(Gate.State.OPEN, gate.state(), "whoever watches the lock decides");
    }
}
