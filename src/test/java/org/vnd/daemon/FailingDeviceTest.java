package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.engine.Gate;
import org.vnd.export.KernelDevice;
import org.vnd.image.AttachListener;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.image.ImageLock;

/**
 * A disk has failed whose device the kernel serves: until that has failed too, what has the lock isn't told that nothing writes
 * any more, because it would let others in.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FailingDeviceTest {
    private static final long BREAK_NANOS = 45_000_000_000L;

    @TempDir
    Path folder;

    private final List<String> events = new CopyOnWriteArrayList<>();

    /** One that somebody waits for from the first look on. */
    private final class LostLock implements ImageLock {
        private volatile boolean servedByKernel = true;

        @Override
        public boolean verify() {
            return false;
        }

        @Override
        public boolean othersWait() {
            return true;
        }

        @Override
        public boolean servedByKernel() {
            return servedByKernel;
        }

        @Override
        public Optional<String> mend() {
            throw new AssertionError("that would let them in");
        }

        @Override
        public Optional<String> relock() {
            throw new AssertionError("that would let them in");
        }

        @Override
        public Optional<String> release(AttachListener listener) {
            throw new AssertionError("nobody asks for it");
        }

        @Override
        public long breakNanos() {
            return BREAK_NANOS;
        }

        @Override
        public int[] descriptors() {
            return new int[0];
        }

        @Override
        public void failed() {
            note("lock is told");
        }
    }

    /** One that fails at the third attempt. */
    private final class Device implements KernelDevice {
        private int attempts;

        @Override
        public String export() {
            return "loop";
        }

        @Override
        public String node() {
            return "/dev/none";
        }

        @Override
        public boolean servedByKernel() {
            return true;
        }

        @Override
        public void fail() throws IOException {
            if (++attempts < 3) {
                events.add("goes on");
                if (attempts == 1) {
                    throw new IOException("not now");
                }
                throw new IllegalStateException("a defect");
            }
            note("fails");
        }

        @Override
        public void remove() {
            throw new AssertionError("nobody asks for it");
        }
    }

    private void note(String event) {
        if (!events.contains(event)) {
            events.add(event);
        }
    }

    private void await(String event) {
        while (!events.contains(event)) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void watched(LostLock lock, Consumer<Watcher> body) throws Exception {
        Gate gate = new Gate(BREAK_NANOS);
        QueueThread queue = SmallQueue.start(folder.resolve("disk"), gate);
        AttachedImage image =
                new AttachedImage(Engine.PHYSICAL, "", -1, null, false, lock, 0, 0, 512, false, false, 0, null);
        Watcher watcher = new Watcher(image, gate, queue, () -> {});
        try {
            watcher.start();
            while (gate.state() != Gate.State.FAILED) {
                LockSupport.parkNanos(1_000_000);
            }
            body.accept(watcher);
        } finally {
            watcher.end();
            queue.end();
        }
    }

    /** The disk fails while its device is being made, as it may. */
    @Test
    void failsInTheEndAndThenTheLockIsTold() throws Exception {
        watched(new LostLock(), watcher -> {
            // Longer than it takes to tell of one that isn't there.
            LockSupport.parkNanos(1_500_000_000);
            assertEquals(List.of(), events, "there will be one");
            watcher.failsToo(new Device());
            await("lock is told");
        });
        assertEquals(List.of("goes on", "goes on", "fails", "lock is told"), events);
    }

    @Test
    void isntWaitedForIfItCouldntBeMade() throws Exception {
        LostLock lock = new LostLock();
        watched(lock, watcher -> {
            lock.servedByKernel = false;
            await("lock is told");
        });
        assertEquals(List.of("lock is told"), events);
    }

    /** By one that was made after the disk had failed. */
    @Test
    void failsAtOnceIfItComesLate() throws Exception {
        LostLock lock = new LostLock();
        watched(lock, watcher -> {
            lock.servedByKernel = false;
            await("lock is told");
            lock.servedByKernel = true;
            watcher.failsToo(new Device());
            await("fails");
        });
        assertTrue(events.contains("fails"));
    }
}
