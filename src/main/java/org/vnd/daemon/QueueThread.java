package org.vnd.daemon;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vnd.control.Reason;
import org.vnd.engine.Engine;
import org.vnd.export.QueueExport;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.BusyPoll;
import org.vnd.ring.Ring;
import org.vnd.sys.SysException;

/**
 * The thread on which a disk's requests are done: it owns the ring, the engine and the server, and does nothing but run
 * the ring. What others want of them is posted and done between two runs.
 */
final class QueueThread {
    private static final long DRAIN_POLL_NANOS = 1_000_000;

    /** A container with a share of one has one. */
    private static final boolean SEVERAL_PROCESSORS = Runtime.getRuntime().availableProcessors() > 1;

    /** What is made on the thread itself, because an io_uring belongs to the thread that made it. */
    interface Parts {
        Ring ring();

        Engine engine();

        /** What is served from the start. */
        List<QueueExport> exports();

        /** Serves NBD on the connected socket {@code fd}, which is in transmission; or closes it. */
        void adopt(int fd);

        /** Registered memory for an export that is added later. */
        AlignedBuffer deviceMemory();
    }

    /** Makes an export of the parts. */
    interface ExportMaker<T extends QueueExport> {
        T make(Parts parts) throws IOException;
    }

    /** Makes the parts. */
    interface Maker {
        Parts make() throws IOException;
    }

    private final CompletableFuture<Parts> made = new CompletableFuture<>();
    /** For the waits for the next request, and for the disk's answer. */
    private final BusyPoll clientPoll = new BusyPoll();

    private final BusyPoll diskPoll = new BusyPoll();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final Queue<Runnable> posted = new ConcurrentLinkedQueue<>();
    /** Held while something is posted, and while it is said that nothing more may be. */
    private final Object posting = new Object();

    private volatile boolean stopping;
    private volatile @Nullable Courtesy courtesy;
    /** Of the thread; replaced when one is added or removed. */
    private QueueExport[] exports = {};

    private QueueThread() {}

    /** Starts the thread and waits until the parts are made. */
    static QueueThread start(Maker maker) throws IOException {
        QueueThread queue = new QueueThread();
        Thread thread = new Thread(() -> queue.run(maker), "vnd-queue");
        thread.start();
        try {
            queue.made.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException) {
                throw (IOException) e.getCause();
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return queue;
    }

    /** For descriptions; everything else is the thread's own. */
    Ring ring() {
        return made.join().ring();
    }

    Engine engine() {
        return made.join().engine();
    }

    /** Clients of all exports. */
    int clients() {
        int clients = 0;
        for (QueueExport export : exports) {
            clients += export.clients();
        }
        return clients;
    }

    /** Stops all exports. */
    void stop() {
        for (QueueExport export : exports) {
            export.stop();
        }
    }

    /** Whether nothing of any export, and of the engine, is in work. */
    boolean drained() {
        for (QueueExport export : exports) {
            if (!export.drained()) {
                return false;
            }
        }
        return engine().idle();
    }

    private void run(Maker maker) {
        Parts parts;
        try {
            parts = maker.make();
        } catch (IOException | RuntimeException | Error e) {
            // Nothing is served yet: whoever has asked for the disk is told.
            made.completeExceptionally(e);
            return;
        }
        try {
            courtesy = Courtesy.ofThisThread();
            Ring ring = parts.ring();
            ring.onWakeUp(this::doPosted);
            exports = parts.exports().toArray(new QueueExport[0]);
            for (QueueExport export : exports) {
                export.start();
            }
            made.complete(parts);
            loop(ring, parts.engine());
            // What was posted before the end was said: whoever asked waits for the answer.
            doPosted();
            // Here, because the kernel takes orders about a ring only from the thread that made it.
            for (QueueExport export : exports) {
                export.close();
            }
            ring.close();
            parts.engine().close();
            ended.complete(null);
        } catch (SysException | RuntimeException | Error e) {
            // Nothing can be served any more, and nothing acknowledged is lost: end, so that recovery can begin.
            Log.line("the I/O thread failed: " + Reason.ofDefect(e));
            Runtime.getRuntime().halt(1);
        }
    }

    private void loop(Ring ring, Engine engine) throws SysException {
        while (!stopping) {
            ring.busyPoll(busyPoll(engine.inWork()));
            ring.run(true);
            for (QueueExport export : exports) {
                export.afterRun();
            }
        }
    }

    /**
     * How to wait with {@code inWork} requests in the engine. Looking before sleeping is for a file system behind a kernel's
     * device, which waits for one answer after the other. With more requests under way sleeping is better: meanwhile they
     * gather, and each wake-up serves several. Where other programs want the processors, as the courtesy tells, or there is
     * only one, it would keep from running whoever is waited for.
     */
    private @Nullable BusyPoll busyPoll(int inWork) {
        Courtesy seen = courtesy;
        if (inWork > 1 || !SEVERAL_PROCESSORS || seen == null || !seen.polite() || !servesKernel()) {
            return null;
        }
        return inWork == 0 ? clientPoll : diskPoll;
    }

    private boolean servesKernel() {
        for (QueueExport export : exports) {
            if (export.servesKernel()) {
                return true;
            }
        }
        return false;
    }

    private void doPosted() {
        for (Runnable action = posted.poll(); action != null; action = posted.poll()) {
            action.run();
        }
        // The gate may have changed; looking costs nothing.
        engine().gateChanged();
    }

    /** Makes the engine look at the gate, soon. Nothing, if the thread was told to end. */
    void wakeUp() {
        synchronized (posting) {
            // Not later: the ring may be closed then, and its descriptor somebody else's.
            if (!stopping) {
                ring().wakeUp();
            }
        }
    }

    /** Looks whether the thread gets its processor in time; called once a second. */
    void lookAtScheduling() {
        Courtesy started = courtesy;
        if (started != null) {
            started.look();
        }
    }

    /**
     * Has {@code action} done on the thread, soon.
     *
     * @throws IllegalStateException the thread was told to end
     */
    void post(Runnable action) {
        synchronized (posting) {
            if (stopping) {
                throw new IllegalStateException("the disk has ended");
            }
            posted.add(action);
            ring().wakeUp();
        }
    }

    /**
     * Has {@code question} answered on the thread, and waits for the answer.
     *
     * @throws IllegalStateException the thread was told to end
     */
    <T> T ask(Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        post(() -> answer.complete(question.get()));
        return answer.join();
    }

    /**
     * Has one more export made and served.
     *
     * @throws IOException it couldn't be made
     * @throws IllegalStateException the thread was told to end
     */
    <T extends QueueExport> T add(ExportMaker<T> maker) throws IOException {
        CompletableFuture<T> answer = new CompletableFuture<>();
        post(() -> {
            T export;
            try {
                export = maker.make(made.join());
            } catch (IOException | RuntimeException e) {
                answer.completeExceptionally(e);
                return;
            }
            exports = Arrays.copyOf(exports, exports.length + 1);
            exports[exports.length - 1] = export;
            export.start();
            answer.complete(export);
        });
        try {
            return answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException) {
                throw (IOException) e.getCause();
            }
            throw e;
        }
    }

    /** Has NBD served on the connected socket {@code fd}; see {@link Parts#adopt}. */
    void adopt(int fd) {
        post(() -> made.join().adopt(fd));
    }

    /** Stops {@code export}, waits until nothing of it is left, and closes it. */
    void drop(QueueExport export) {
        post(export::stop);
        while (!ask(export::drained)) {
            LockSupport.parkNanos(DRAIN_POLL_NANOS);
        }
        ask(() -> {
            exports = Arrays.stream(exports).filter(each -> each != export).toArray(QueueExport[]::new);
            export.close();
            return true;
        });
    }

    /** Ends the thread; nothing may be in flight. */
    void end() {
        synchronized (posting) {
            if (!stopping) {
                stopping = true;
                ring().wakeUp();
            }
        }
        ended.join();
    }
}
