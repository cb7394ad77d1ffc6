package org.vnd.export.nbd;

import java.util.function.Consumer;

/** Lines on clients that misbehave. At most one a second, since whoever causes them could cause any number. */
final class EventLog {
    private static final long INTERVAL_NANOS = 1_000_000_000L;

    private final Consumer<String> lines;
    private boolean any;
    private long lastNanos;
    private long suppressed;

    EventLog(Consumer<String> lines) {
        this.lines = lines;
    }

    void add(String line) {
        long now = System.nanoTime();
        if (any && now - lastNanos < INTERVAL_NANOS) {
            suppressed++;
            return;
        }
        any = true;
        lastNanos = now;
        lines.accept("nbd: " + line + (suppressed == 0 ? "" : " (and " + suppressed + " more such lines before)"));
        suppressed = 0;
    }
}
