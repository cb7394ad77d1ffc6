package org.vnd.daemon;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.util.List;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.engine.Engine;
import org.vnd.engine.FileEngine;
import org.vnd.engine.Gate;
import org.vnd.export.QueueExport;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;
import org.vnd.ring.ThreadRing;
import org.vnd.ring.UringRing;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** A queue's thread over an empty file, with an export that does what it is told; also as a process that comes to its end. */
final class SmallQueue {
    private static final int SIZE_BYTES = 1 << 20;

    private SmallQueue() {}

    /** Where something goes wrong: the name of a defect. */
    enum Defect {
        NONE,
        IN_START,
        IN_POSTED,
        IN_QUESTION,
        IN_START_OF_ADDED,
        IN_MAKING_OF_ADDED,
        IN_COMPLETION,
        AFTER_RUN,
        IN_WORKER,
        OUTSIDE_OF_THE_DISK
    }

    /** Starts one over {@code file}, on threads or by io_uring. */
    static QueueThread start(Path file, boolean threads, Defect defect) throws IOException {
        return QueueThread.start(() -> parts(file, threads, defect, new Gate(Long.MAX_VALUE)));
    }

    /** Starts one without a defect, whose requests are let through by {@code gate}. */
    static QueueThread start(Path file, Gate gate) throws IOException {
        return QueueThread.start(() -> parts(file, true, Defect.NONE, gate));
    }

    private static QueueThread.Parts parts(Path file, boolean threads, Defect defect, Gate gate) throws SysException {
        int flags = FileCalls.O_RDWR | FileCalls.O_CREAT;
        int fd = (int) Libc.check(FileCalls.open(file.toString(), flags), "open", file.toString());
        Libc.check(FileCalls.ftruncate(fd, SIZE_BYTES), "ftruncate", file.toString());
        Ring ring = threads ? new ThreadRing(Engine.FRAGMENT_LIMIT + 16, "a test") : new UringRing(1024);
        Engine engine = new FileEngine(ring, gate, fd, false, 0, SIZE_BYTES, 512, false, true);
        AlignedBuffer memory = new AlignedBuffer(AlignedBuffer.PAGE_BYTES);
        return new Parts(ring, engine, memory, List.of(new Export(defect)));
    }

    private record Parts(Ring ring, Engine engine, AlignedBuffer deviceMemory, List<QueueExport> exports)
            implements QueueThread.Parts {
        @Override
        public void adopt(int fd) {}
    }

    /** Serves nobody. */
    static final class Export implements QueueExport {
        private final Defect defect;

        Export(Defect defect) {
            this.defect = defect;
        }

        @Override
        public void start() {
            fail(Defect.IN_START);
        }

        @Override
        public void afterRun() {
            fail(Defect.AFTER_RUN);
        }

        private void fail(Defect here) {
            if (defect == here) {
                throw new AssertionError(here);
            }
        }

        @Override
        public int clients() {
            return 7;
        }

        @Override
        public boolean servesKernel() {
            return false;
        }

        @Override
        public void stop() {}

        @Override
        public boolean drained() {
            return true;
        }

        @Override
        public void close() {}
    }

    /** The process: a file, and a defect, after which it goes on for ever if it isn't ended. */
    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[0]);
        Defect defect = Defect.valueOf(arguments[1]);
        QueueThread queue = start(file, defect == Defect.IN_WORKER, defect);
        AssertionError thrown = new AssertionError(defect);
        switch (defect) {
            case IN_POSTED ->
                queue.post(() -> {
                    throw thrown;
                });
            case IN_QUESTION ->
                queue.ask(() -> {
                    throw thrown;
                });
            case IN_START_OF_ADDED -> queue.add(parts -> new Export(Defect.IN_START));
            case IN_MAKING_OF_ADDED ->
                queue.add(parts -> {
                    throw thrown;
                });
            case IN_COMPLETION ->
                queue.post(() -> flush(queue, () -> {
                    throw thrown;
                }));
            // No call can be made to throw: there is no place for what it answers.
            case IN_WORKER -> {
                Field results = ThreadRing.class.getDeclaredField("result");
                results.setAccessible(true);
                results.set(queue.ring(), null);
                queue.post(() -> flush(queue, () -> {}));
            }
            case OUTSIDE_OF_THE_DISK -> {
                queue.post(() -> zeroBehindTheEnd(queue));
                queue.ask(queue::clients);
                System.out.println("the engine has taken it");
                System.exit(0);
            }
            default -> queue.post(() -> {});
        }
        queue.ask(queue::clients);
    }

    /** As by an export that has lost count; nothing but an assertion looks. */
    private static void zeroBehindTheEnd(QueueThread queue) {
        BlockRequest request = new BlockRequest(0, done -> {});
        request.operation = Operation.WRITE_ZEROES;
        request.offsetBytes = SIZE_BYTES;
        request.lengthBytes = 4096;
        queue.engine().submit(request);
    }

    private static void flush(QueueThread queue, Runnable then) {
        BlockRequest request = new BlockRequest(0, done -> then.run());
        request.operation = Operation.FLUSH;
        queue.engine().submit(request);
    }
}
