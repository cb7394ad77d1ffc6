package org.vnd.control;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** The answer to a request while it is being handled. A client that doesn't read it holds up nobody. */
public final class ControlAnswer {
    private static final long PROGRESS_INTERVAL_NANOS = 100_000_000;
    /** How long the last line is tried; the socket's buffer is empty unless the client reads nothing. */
    private static final long END_TIMEOUT_NANOS = 2_000_000_000;

    private static final long END_RETRY_NANOS = 10_000_000;

    private final ControlConnection connection;
    private final List<Runnable> afterwards = new ArrayList<>();
    /** The rest of a line the client's buffer had no room for. Lines that come meanwhile are dropped. */
    private ByteBuffer unsent = ByteBuffer.allocate(0);

    private boolean progressSent;
    private long lastProgressNanos;

    ControlAnswer(ControlConnection connection) {
        this.connection = connection;
    }

    /** A long step is at {@code done} of {@code total}. May be called as often as one likes: ten a second are sent. */
    public void progress(long done, long total, String what) {
        long now = System.nanoTime();
        if (!progressSent || done == total || now - lastProgressNanos >= PROGRESS_INTERVAL_NANOS) {
            progressSent = true;
            lastProgressNanos = now;
            send(new ReportLine(ReportLine.Kind.PROGRESS, done, total, what));
        }
    }

    /** Something the one who asks wants to know. */
    public void note(String text) {
        send(new ReportLine(ReportLine.Kind.NOTE, 0, 0, text));
    }

    /** Runs {@code action} when the answer is sent: what ends the JVM must not cut off the answer. */
    public void afterwards(Runnable action) {
        afterwards.add(action);
    }

    private void send(ReportLine line) {
        if (connection.send(unsent) && !unsent.hasRemaining()) {
            unsent = ByteBuffer.wrap(ReportLine.bytes(line.toString()));
            connection.send(unsent);
        }
    }

    void end(Outcome outcome) {
        ByteBuffer last = ByteBuffer.wrap(ReportLine.bytes(outcome.line()));
        long start = System.nanoTime();
        while (connection.send(unsent) && (unsent.hasRemaining() || connection.send(last))) {
            boolean sent = !unsent.hasRemaining() && !last.hasRemaining();
            if (sent || System.nanoTime() - start > END_TIMEOUT_NANOS) {
                return;
            }
            LockSupport.parkNanos(END_RETRY_NANOS);
        }
    }

    void runAfterwards() {
        for (Runnable action : afterwards) {
            action.run();
        }
    }
}
