package org.vnd.image;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SocketCalls;

/** Sees to it that there is a {@link LockHolder}, and that a new one does what the last one did. */
final class LockKeeping implements AutoCloseable {
    private final int image;
    private final boolean refusesAll;
    /** The holder's end, and the one that all have open that can write. */
    private final int[] writers = {-1, -1};

    private volatile Runnable look = () -> {};
    private volatile @Nullable LockHolder holder;
    private @Nullable KernelServed device;
    private boolean guarded;
    private boolean fenced;
    private String missing = "";

    /** For the image open as {@code image}; {@code refusesAll}: nobody may open it, not even to read. */
    LockKeeping(int image, boolean refusesAll) {
        this.image = image;
        this.refusesAll = refusesAll;
    }

    void start() throws NotPhysicalException {
        int result = SocketCalls.unixPair(writers);
        if (result < 0) {
            throw new NotPhysicalException("what keeps its lock can't be started: " + Errno.message(-result));
        }
        holder = LockHolder.start(image, writers[0], () -> look.run());
    }

    /** Nobody opens the image from now on. */
    void refuseAll() throws NotPhysicalException {
        try {
            required().guard(true);
            guarded = true;
        } catch (IOException e) {
            throw new NotPhysicalException(
                    "readers could share its blocks (reflink), and they can't be kept out (" + e.getMessage() + ")", e);
        }
    }

    /** The lease is a reader's, and holds: from now on, or again. */
    synchronized void serve() throws IOException {
        LockHolder serving = required();
        if (!guarded && missing.isEmpty()) {
            try {
                serving.guard(false);
                guarded = true;
            } catch (IOException e) {
                missing = "guard: " + e.getMessage()
                        + ": whoever takes the immutable flag away waits for the lease, and the" + " disk for him";
            }
        }
        serving.serve();
    }

    /** The last one has ended; lease and claim are still ours. */
    synchronized void startAgain() throws IOException {
        LockHolder last = holder;
        if (last != null) {
            last.close();
        }
        LockHolder next = LockHolder.start(image, writers[0], () -> look.run());
        holder = next;
        if (guarded) {
            next.guard(refusesAll);
        }
        if (device != null) {
            next.kernelServes(device);
        }
        if (fenced) {
            next.fence();
        }
    }

    private LockHolder required() throws IOException {
        LockHolder present = holder;
        if (present == null || !present.alive()) {
            throw new IOException("what keeps its lock has ended (vnd-lock)");
        }
        return present;
    }

    /** The holder's process. */
    long pid() throws IOException {
        return required().pid();
    }

    boolean alive() {
        LockHolder present = holder;
        return present != null && present.alive();
    }

    synchronized void kernelServes(KernelServed served) throws IOException {
        required().kernelServes(served);
        device = served;
    }

    synchronized void fence() {
        fenced = true;
        tell(LockHolder::fence);
    }

    void quiet() {
        tell(LockHolder::quiet);
    }

    private interface Message {
        void send(LockHolder to) throws IOException;
    }

    /** If it doesn't hear, it has ended: whoever looks at the lock sees that. */
    private void tell(Message message) {
        LockHolder present = holder;
        if (present != null && present.alive()) {
            try {
                message.send(present);
            } catch (IOException e) {
                look.run();
            }
        }
    }

    void whenDisturbed(Runnable disturbed) {
        look = disturbed;
    }

    /** Open in whatever can write. */
    int writersMark() {
        return writers[1];
    }

    String missing() {
        return missing;
    }

    /** The lease has been given up. */
    @Override
    public void close() {
        LockHolder present = holder;
        if (present != null) {
            present.close();
        }
        for (int end : writers) {
            if (end >= 0) {
                FileCalls.close(end);
            }
        }
    }
}
