package org.vnd.control;

import java.io.IOException;
import java.io.OutputStream;

/**
 * A daemon's way to tell the waiting command line how far it is. Writing fails when nobody waits any more; the daemon
 * then takes back what it did and ends.
 */
public final class Reporter implements AutoCloseable {
    private static final long PROGRESS_INTERVAL_NANOS = 100_000_000;

    private final OutputStream output;
    private boolean progressSent;
    private long lastProgressNanos;

    /** Reports go to {@code output}, a pipe; each line is one write. */
    public Reporter(OutputStream output) {
        this.output = output;
    }

    /** A long step is at {@code done} of {@code total}. May be called as often as one likes: ten a second are sent. */
    public void progress(long done, long total, String what) throws IOException {
        long now = System.nanoTime();
        if (!progressSent || done == total || now - lastProgressNanos >= PROGRESS_INTERVAL_NANOS) {
            progressSent = true;
            lastProgressNanos = now;
            send(new ReportLine(ReportLine.Kind.PROGRESS, done, total, what));
        }
    }

    /** Something the user may want to know; shown with {@code -v}. */
    public void note(String text) throws IOException {
        send(new ReportLine(ReportLine.Kind.NOTE, 0, 0, text));
    }

    /** Something the user has to know, although there will be a disk; always shown. */
    public void warning(String text) throws IOException {
        send(new ReportLine(ReportLine.Kind.WARNING, 0, 0, text));
    }

    /** There will be no disk; {@code text} is the line the user sees after {@code vndconfig: }. */
    public void error(String text) throws IOException {
        send(new ReportLine(ReportLine.Kind.ERROR, 0, 0, text));
    }

    /** There will be no disk by this unit, whose last one is still to be recovered; {@code why} that couldn't be done now. */
    public void stays(String why) throws IOException {
        send(new ReportLine(ReportLine.Kind.STAYS, 0, 0, why));
    }

    /**
     * The disk answers requests. If this throws, the user gave up before, and the disk must go.
     *
     * @param text a line for the user, or empty
     */
    public void ready(String text) throws IOException {
        send(new ReportLine(ReportLine.Kind.READY, 0, 0, text));
    }

    private void send(ReportLine line) throws IOException {
        output.write(ReportLine.bytes(line.toString()));
        output.flush();
    }

    @Override
    public void close() throws IOException {
        output.close();
    }
}
