package org.vnd.conformance;

import java.io.IOException;
import org.vnd.ring.Ring;

/** What gives out the completions of a disk that is driven by {@link DiskDriver}. */
public interface Pump {
    /** Gives out the completions there are; with {@code wait}, waits for one, but no longer than about a second. */
    void run(boolean wait) throws IOException;

    /** A clock that goes on while {@link #run} waits in vain. */
    long seconds();

    /** The pump of a disk on {@code ring}, whose clock is the ring's. */
    static Pump of(Ring ring) {
        return new RingPump(ring);
    }

    /** Keeps one timer on the ring. */
    final class RingPump implements Pump {
        private static final long TICK_NANOS = 1_000_000_000L;

        private final Ring ring;
        private final int handler;
        private long ticks;

        private RingPump(Ring ring) {
            this.ring = ring;
            this.handler = ring.addHandler((tag, result) -> tick());
            ring.timeout(handler, 0, TICK_NANOS);
        }

        private void tick() {
            ticks++;
            ring.timeout(handler, 0, TICK_NANOS);
        }

        @Override
        public void run(boolean wait) throws IOException {
            ring.run(wait);
        }

        @Override
        public long seconds() {
            return ticks;
        }
    }
}
