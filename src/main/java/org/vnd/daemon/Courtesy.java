package org.vnd.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.sys.ThreadCalls;

/**
 * Lets the queue's thread wake up politely, sched(7), SCHED_BATCH: a client that sends a header and then its data would
 * otherwise be pushed off its processor by the thread that its header has woken, which then finds no data. With one request
 * at a time that is a third of the time of a write on a machine with few processors.
 *
 * <p>Where other programs want all processors, politeness would mean to wait for each of them. So the thread is polite only
 * as long as it waits little, and when it has waited it tries again after a pause, each longer than the last.
 */
final class Courtesy {
    /**
     * Of its time, spent waiting for a processor. With two processors and nothing on them but the disk and its client, 2 to
     * 24 were measured, polite or not; polite beside two programs that compute, 53 to 74.
     */
    private static final int WAITING_PERCENT = 40;

    static final long FIRST_PAUSE_NANOS = 60_000_000_000L;
    static final long LONGEST_PAUSE_NANOS = 64 * FIRST_PAUSE_NANOS;

    private final int thread;
    private final Path statistics;

    /** Set once a second by one thread, read by its own all the time. */
    private volatile boolean polite;

    private long seenNanos;
    private long seenWaitingNanos;
    private long pauseNanos = FIRST_PAUSE_NANOS;
    /** When politeness began, or ended. */
    private long sinceNanos;

    private Courtesy(int thread, Path statistics) {
        this.thread = thread;
        this.statistics = statistics;
    }

    /** Makes the calling thread polite from now on, where the kernel tells how long it waits. */
    static Courtesy ofThisThread() {
        int thread = ThreadCalls.currentThread();
        Courtesy courtesy = new Courtesy(thread, Path.of("/proc/self/task/" + thread + "/schedstat"));
        long now = System.nanoTime();
        courtesy.seenNanos = now;
        courtesy.seenWaitingNanos = courtesy.waitingNanos();
        courtesy.sinceNanos = now;
        courtesy.polite = courtesy.seenWaitingNanos >= 0;
        courtesy.apply();
        return courtesy;
    }

    /** Looks how it went since the last look; once a second or so, from any one thread. */
    void look() {
        long waiting = waitingNanos();
        if (waiting >= 0 && decide(System.nanoTime(), waiting)) {
            apply();
        }
    }

    /** Whether the policy changes, at {@code now} of a thread that has waited {@code waitingNanos} in its life. */
    boolean decide(long now, long waitingNanos) {
        boolean waited = (waitingNanos - seenWaitingNanos) * 100 > (now - seenNanos) * WAITING_PERCENT;
        seenNanos = now;
        seenWaitingNanos = waitingNanos;
        if (polite && waited) {
            boolean wasWellFor = now - sinceNanos > LONGEST_PAUSE_NANOS;
            pauseNanos = wasWellFor ? FIRST_PAUSE_NANOS : Math.min(LONGEST_PAUSE_NANOS, 2 * pauseNanos);
        } else if (polite || now - sinceNanos < pauseNanos) {
            return false;
        }
        polite = !polite;
        sinceNanos = now;
        return true;
    }

    boolean polite() {
        return polite;
    }

    private void apply() {
        // Refused by some container's filter, it is as if nobody had asked.
        ThreadCalls.setScheduler(thread, polite ? ThreadCalls.SCHED_BATCH : ThreadCalls.SCHED_OTHER);
    }

    /** The second number of /proc/PID/schedstat, Documentation/scheduler/sched-stats.rst; -1 if the kernel keeps none. */
    private long waitingNanos() {
        try {
            String[] numbers =
                    Files.readString(statistics, StandardCharsets.US_ASCII).split(" ");
            return Long.parseLong(numbers[1]);
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return -1;
        }
    }

    /** For a test of {@link #decide}. */
    static Courtesy decidingFrom(long now) {
        Courtesy courtesy = new Courtesy(0, Path.of("/dev/null"));
        courtesy.seenNanos = now;
        courtesy.sinceNanos = now;
        courtesy.polite = true;
        return courtesy;
    }
}
