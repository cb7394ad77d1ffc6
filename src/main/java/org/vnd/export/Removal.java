package org.vnd.export;

import java.io.IOException;
import java.util.concurrent.locks.LockSupport;

/**
 * Takes away what was made of a disk and can't be used after all: for certain, however long others use it. Until then nothing
 * else may be made of the disk, and its image not be let go: what its users write must not go where the image once was.
 */
public final class Removal {
    private static final long POLL_NANOS = 500_000_000;

    private final Listener listener;

    /** Says to {@code listener} for whom it waits. */
    public Removal(Listener listener) {
        this.listener = listener;
    }

    /** Is told for whom a removal waits, each time that it is for somebody else. */
    public interface Listener {
        /** {@code device} can't be used because of {@code cause}, and is still there because of {@code reason}. */
        void waits(String device, Throwable cause, Throwable reason);
    }

    /** One attempt. */
    public interface Attempt {
        /** Throws if it is still there, with the reason. */
        void run() throws IOException;
    }

    /**
     * Takes {@code device} away. While others keep it, it fails: they would write to blocks that nobody watches over.
     *
     * @param cause why
     */
    public void certain(KernelDevice device, Throwable cause) {
        certain(device.node(), cause, () -> {
            try {
                device.remove();
            } catch (IOException | RuntimeException | Error still) {
                try {
                    device.fail();
                } catch (IOException | RuntimeException | Error goesOn) {
                    still.addSuppressed(goesOn);
                }
                throw still;
            }
        });
    }

    /**
     * Tries {@code attempt} until it succeeds. What fails in any other way has not succeeded either.
     *
     * @param device is taken away
     * @param cause why
     */
    public void certain(String device, Throwable cause, Attempt attempt) {
        String said = "";
        while (true) {
            try {
                attempt.run();
                return;
            } catch (IOException | RuntimeException | Error e) {
                String why = e.toString();
                if (!why.equals(said)) {
                    listener.waits(device, cause, e);
                }
                said = why;
                LockSupport.parkNanos(POLL_NANOS);
            }
        }
    }
}
