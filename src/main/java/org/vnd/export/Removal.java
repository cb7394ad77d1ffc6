package org.vnd.export;

import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Takes away what was made of a disk and can't be used after all: for certain, however long others use it. Until then nothing
 * else may be made of the disk, and its image not be let go: what its users write must not go where the image once was.
 */
public final class Removal {
    private static final long POLL_NANOS = 500_000_000;

    private final Consumer<String> told;

    /** Says to {@code told}, in a line, for whom it waits. */
    public Removal(Consumer<String> told) {
        this.told = told;
    }

    /** One attempt. */
    public interface Attempt {
        /** Throws if it is still there, with the reason. */
        void run() throws IOException;
    }

    /**
     * Tries {@code attempt} until it succeeds.
     *
     * @param what is taken away
     * @param cause why; it hears of what was in the way
     */
    public void certain(String what, Throwable cause, Attempt attempt) {
        String said = "";
        while (true) {
            try {
                attempt.run();
                return;
            } catch (IOException e) {
                String why = String.valueOf(e.getMessage());
                if (!why.equals(said)) {
                    cause.addSuppressed(e);
                    told.accept(
                            what + " can't be used (" + cause.getMessage() + "), and waits to be taken away: " + why);
                }
                said = why;
                LockSupport.parkNanos(POLL_NANOS);
            }
        }
    }
}
