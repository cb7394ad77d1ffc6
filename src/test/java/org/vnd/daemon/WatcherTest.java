package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.daemon.SmallQueue.Defect;
import org.vnd.engine.Gate;
import org.vnd.image.AttachListener;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.image.ImageLock;

/** With a lock that says what the test has it say. What others are kept waiting, lease-break-time, may change at any time. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WatcherTest {
    private static final long USUAL_NANOS = TimeUnit.SECONDS.toNanos(45);
    private static final long SHORT_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    /** Far from how long a look is good for with either, for machines with more to do than this. */
    private static final long SOON_NANOS = TimeUnit.SECONDS.toNanos(10);

    @TempDir
    Path folder;

    private final ScriptedLock lock = new ScriptedLock();
    private final Gate gate = new Gate(USUAL_NANOS);

    private static final class ScriptedLock implements ImageLock {
        /** One for each look. */
        final Semaphore looks = new Semaphore(0);

        final CountDownLatch goesOn = new CountDownLatch(1);
        private volatile long breakNanos = USUAL_NANOS;
        private volatile boolean stuck;
        private volatile boolean disturbed;
        private volatile boolean mended;
        private volatile boolean mendedOnce;
        private volatile boolean servedByKernel;
        /** What mends say as long as there are any, and whether it is for want of a holder. */
        private final Queue<String> problems = new ConcurrentLinkedQueue<>();

        private volatile boolean unheld;
        private volatile Disturbance told = changed -> {};
        /** Others change the image as soon as it was looked at. */
        private volatile boolean changedAfterLook;
        /** The gate was shut by that, and what is asked now. */
        private volatile boolean changed;

        @Override
        public void whenDisturbed(Disturbance disturbed) {
            told = disturbed;
        }

        @Override
        public boolean verify() {
            boolean holds = looked();
            if (holds && changedAfterLook && mendedOnce) {
                changedAfterLook = false;
                changed = true;
                told.disturbed(true);
            }
            return holds;
        }

        private boolean looked() {
            looks.release();
            if (changed) {
                return false;
            }
            if (!problems.isEmpty()) {
                return false;
            }
            if (disturbed) {
                // What the watcher has read by then is of before.
                breakNanos = SHORT_NANOS;
                disturbed = false;
                return false;
            }
            if (stuck && !mended) {
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            mended = false;
            return true;
        }

        @Override
        public boolean othersWait() {
            return false;
        }

        @Override
        public Optional<String> mend() {
            mended = true;
            mendedOnce = true;
            return changed ? Optional.of("changed") : Optional.ofNullable(problems.poll());
        }

        @Override
        public boolean unheld() {
            return unheld;
        }

        @Override
        public boolean servedByKernel() {
            return servedByKernel;
        }

        @Override
        public Optional<String> relock() {
            throw new AssertionError("nobody waits");
        }

        @Override
        public Optional<String> release(AttachListener listener) {
            throw new AssertionError("it isn't asked to");
        }

        @Override
        public long breakNanos() {
            return breakNanos;
        }

        @Override
        public int[] descriptors() {
            return new int[0];
        }
    }

    private interface Body {
        void run() throws Exception;
    }

    private void watched(Body body) throws Exception {
        QueueThread queue = SmallQueue.start(folder.resolve("disk"), true, Defect.NONE);
        AttachedImage image =
                new AttachedImage(Engine.PHYSICAL, "", -1, null, false, lock, 0, 0, 512, false, false, 0, null);
        Watcher watcher = new Watcher(image, gate, queue, () -> {});
        try {
            watcher.start();
            lock.looks.acquire();
            body.run();
        } finally {
            lock.goesOn.countDown();
            watcher.end();
            queue.end();
        }
    }

    /** As when the watcher is stopped from now on: whoever comes is let in when the new time is over, not the old one. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLookIsGoodForHalfOfTheTimeThatIsInForceThen(boolean disturbed) throws Exception {
        watched(() -> {
            assertTrue(gate.open());
            if (disturbed) {
                lock.stuck = true;
                lock.disturbed = true;
            } else {
                lock.breakNanos = SHORT_NANOS;
                lock.looks.drainPermits();
                // The first may have read the time before.
                lock.looks.acquire(3);
                lock.stuck = true;
            }
            long beganNanos = System.nanoTime();
            while (gate.open() || gate.state() != Gate.State.OPEN) {
                assertTrue(System.nanoTime() - beganNanos < SOON_NANOS, "it goes by the time of the attach");
                LockSupport.parkNanos(1_000_000);
            }
            assertFalse(gate.open());
        });
    }

    /** What the kernel serves can't wait for somebody who could do harm; but what holds the lock is started again. */
    @Test
    void aLockWhoseHolderIsKilledTwiceIsMended() throws Exception {
        watched(() -> {
            lock.servedByKernel = true;
            lock.unheld = true;
            lock.problems.add("Broken pipe");
            lock.problems.add("Broken pipe");
            long beganNanos = System.nanoTime();
            while (gate.state() != Gate.State.OPEN || !lock.problems.isEmpty()) {
                assertTrue(System.nanoTime() - beganNanos < SOON_NANOS, () -> "it is " + gate.state());
                LockSupport.parkNanos(1_000_000);
            }
        });
    }

    /** What it was looked at is of before: nothing that waits may start by that. */
    @Test
    void aChangeAfterTheLookKeepsTheGateShut() throws Exception {
        watched(() -> {
            lock.changedAfterLook = true;
            lock.problems.add("somebody was there");
            awaitState(Gate.State.HELD);
            long beganNanos = System.nanoTime();
            while (!lock.changed) {
                assertTrue(System.nanoTime() - beganNanos < SOON_NANOS, "it isn't looked at");
                LockSupport.parkNanos(1_000_000);
            }
            for (int look = 0; look < 500; look++) {
                assertFalse(gate.open(), "it is open, and others have changed the image");
                LockSupport.parkNanos(1_000_000);
            }
            lock.changed = false;
            awaitState(Gate.State.OPEN);
        });
    }

    /** Who hears of a change is late, and what he tells of was looked at. */
    @Test
    void aGateThatIsShutForWhatIsOverIsOpenedAgain() throws Exception {
        watched(() -> {
            // As what is told does, on its own thread.
            gate.hold();
            awaitState(Gate.State.OPEN);
        });
    }

    private void awaitState(Gate.State state) {
        long beganNanos = System.nanoTime();
        while (gate.state() != state) {
            assertTrue(System.nanoTime() - beganNanos < SOON_NANOS, () -> "it is " + gate.state());
            LockSupport.parkNanos(100_000);
        }
    }

    @Test
    void theNextLooksComeInAQuarterOfIt() throws Exception {
        watched(() -> {
            lock.breakNanos = SHORT_NANOS;
            lock.looks.drainPermits();
            assertTrue(lock.looks.tryAcquire(2, SOON_NANOS, TimeUnit.NANOSECONDS));
            // 1.5 s; where it is looked once a second, 15.
            assertTrue(lock.looks.tryAcquire(15, SOON_NANOS, TimeUnit.NANOSECONDS), "it isn't looked in time");
        });
    }
}
