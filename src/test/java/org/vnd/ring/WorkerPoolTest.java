package org.vnd.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** No number is lost or done twice on its way to a worker and back. */
class WorkerPoolTest {
    /** With as few places as there can be, a worker that is held up for a moment is overtaken by all the others. */
    @Test
    @Timeout(120)
    void everyOperationIsDoneOnceHoweverTheWorkersAreHeldUp() throws Exception {
        int rounds = 300_000;
        int[] performed = new int[2];
        boolean[] started = new boolean[2];
        try (WakeUp finished = new WakeUp();
                WorkerPool pool = new WorkerPool(2, operation -> performed[operation]++, finished)) {
            int[] begun = new int[2];
            while (begun[0] + begun[1] < rounds) {
                for (int operation = 0; operation < 2; operation++) {
                    if (!started[operation]) {
                        started[operation] = true;
                        begun[operation]++;
                        pool.start(operation);
                    }
                }
                int done = pool.nextDone();
                if (done >= 0) {
                    assertTrue(started[done], "done twice");
                    started[done] = false;
                    assertEquals(begun[done], performed[done], "given back and not done");
                }
                assertFalse(Thread.interrupted(), "an operation was never done");
            }
        }
    }

    /** Whoever waited for the operation that it had would wait for ever. */
    @Test
    @Timeout(60)
    void aWorkerThatFailsIsHeardOfOnTheRingsThread() throws Exception {
        AssertionError defect = new AssertionError("a defect");
        try (WakeUp finished = new WakeUp();
                WorkerPool pool = new WorkerPool(
                        4,
                        operation -> {
                            if (operation == 1) {
                                throw defect;
                            }
                        },
                        finished)) {
            pool.start(0);
            pool.start(1);
            IllegalStateException heard = assertThrows(IllegalStateException.class, () -> {
                while (!Thread.interrupted()) {
                    pool.nextDone();
                }
            });
            assertSame(defect, heard.getCause());
        }
    }

    /** What a worker is inside of uses memory and descriptors that are given back once the pool is closed. */
    @Test
    @Timeout(120)
    void closingWaitsForEveryWorkerThoughItIsInterrupted() throws Exception {
        int operations = WorkerPool.WORKERS;
        CountDownLatch begun = new CountDownLatch(operations);
        AtomicInteger ended = new AtomicInteger();
        try (WakeUp finished = new WakeUp()) {
            WorkerPool pool = new WorkerPool(
                    operations,
                    operation -> {
                        begun.countDown();
                        awaitAll(begun);
                        // The one that the interrupted wait is for.
                        if (Thread.currentThread().getName().equals("vnd-io-0")) {
                            LockSupport.parkNanos(500_000_000);
                        }
                        ended.incrementAndGet();
                    },
                    finished);
            for (int operation = 0; operation < operations; operation++) {
                pool.start(operation);
            }
            // With as many operations as workers, and none that ends before all have begun, each has one.
            begun.await();
            Thread.currentThread().interrupt();
            pool.close();
            assertEquals(operations, ended.get(), "still inside of its operation");
            assertTrue(Thread.interrupted(), "the interruption is for whoever asked");
        }
    }

    private static void awaitAll(CountDownLatch begun) {
        while (begun.getCount() > 0) {
            Thread.onSpinWait();
        }
    }
}
