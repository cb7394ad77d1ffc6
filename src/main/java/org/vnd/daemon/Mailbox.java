package org.vnd.daemon;

import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vnd.control.ControlAnswer;
import org.vnd.control.Outcome;

/**
 * What others want of a disk, for the thread that owns it, which makes this. A handful of things at most: the control server
 * waits for each, a signal comes once, and the watcher's threads say only that there is something to see, if nothing else is here.
 */
final class Mailbox {
    /** Whoever asks with -v is told by then why he waits. */
    private static final int PATIENCE_MILLIS = 2000;

    private final Thread owner = Thread.currentThread();
    private final Queue<Runnable> posted = new ConcurrentLinkedQueue<>();
    /** How many have asked whose answers haven't been sent yet: the owner's. */
    private int unanswered;
    /** What the owner is at, for those who wait for it. */
    private volatile String doing = "";

    /** Has {@code action} run; on any thread. */
    void post(Runnable action) {
        posted.add(action);
        LockSupport.unpark(owner);
    }

    /** The next one, on the owner's thread; null if there is none. */
    @Nullable
    Runnable next() {
        assertOwner();
        return posted.poll();
    }

    boolean isEmpty() {
        return posted.isEmpty();
    }

    /** Whether somebody still waits for an answer to be sent. */
    boolean awaited() {
        return unanswered > 0;
    }

    /** What the owner is at from now on. */
    void doing(String what) {
        doing = what;
    }

    void assertOwner() {
        assert Thread.currentThread() == owner : Thread.currentThread();
    }

    /**
     * Has the owner do {@code action}, and waits for what it says; on the control server's thread.
     *
     * @param unit for what is said meanwhile by {@code answer}
     * @param answered runs on the owner's thread once the answer has been sent
     */
    Outcome ask(Supplier<Outcome> action, String unit, ControlAnswer answer, Runnable answered) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        post(() -> {
            unanswered++;
            try {
                outcome.complete(action.get());
            } catch (RuntimeException | Error e) {
                outcome.completeExceptionally(e);
            }
        });
        answer.afterwards(() -> post(() -> {
            unanswered--;
            answered.run();
        }));
        try {
            return outcome.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            String now = doing;
            answer.note(unit + ": still " + (now.isEmpty() ? "busy" : now));
        } catch (InterruptedException | ExecutionException e) {
            // As the next one does.
        }
        try {
            return outcome.join();
        } catch (CompletionException e) {
            throw new IllegalStateException(String.valueOf(e.getCause()), e);
        }
    }
}
