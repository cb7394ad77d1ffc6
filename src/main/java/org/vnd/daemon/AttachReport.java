package org.vnd.daemon;

import java.io.IOException;
import java.util.function.BooleanSupplier;
import org.vnd.control.Reporter;
import org.vnd.image.AttachListener;
import org.vnd.image.LockStep;

/** Passes on to the one who waits for the disk what attaching has to say, and stops it when it is to stop. */
record AttachReport(Reporter reporter, BooleanSupplier ending) implements AttachListener {
    @Override
    public void step(LockStep step) throws IOException {
        stopIfEnding();
    }

    @Override
    public void progress(long done, long total, String what) throws IOException {
        stopIfEnding();
        reporter.progress(done, total, what);
    }

    @Override
    public void note(String text) throws IOException {
        reporter.note(text);
    }

    @Override
    public void warning(String text) throws IOException {
        reporter.warning(text);
    }

    private void stopIfEnding() throws IOException {
        if (ending.getAsBoolean()) {
            throw new IOException("stopped by a signal");
        }
    }
}
