package org.vnd.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Reads what a process says, with a time limit: nothing interrupts a read of a pipe, not JUnit's own limits either. */
public final class TimedRead {
    private static final long LIMIT_SECONDS = 120;

    private TimedRead() {}

    /** The next line of {@code output}; null at its end. After an error its process must be killed, which ends the read. */
    public static String line(BufferedReader output) throws IOException {
        return line(output, LIMIT_SECONDS);
    }

    static String line(BufferedReader output, long limitSeconds) throws IOException {
        FutureTask<String> read = new FutureTask<>(output::readLine);
        Thread reader = new Thread(read, "timed read");
        reader.setDaemon(true);
        reader.start();
        try {
            return read.get(limitSeconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("nothing was said within " + limitSeconds + " seconds", e);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
