package org.vnd.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.sim.OperationRing.FileOperation;
import org.vnd.sim.OperationRing.Kind;
import org.vnd.sys.Errno;

class EngineTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final long BREAK_NANOS = 1_000_000_000_000L;

    /** As large as the daemon's threads have it. */
    private static final int STACK_BYTES = 256 << 10;

    @TempDir
    Path folder;

    @Test
    void aGateThatIsHeldStopsALongRequestInTheMiddle() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 64 * MEBIBYTE, Long.MAX_VALUE)) {
            staged.allocateError = Errno.EOPNOTSUPP;
            BlockRequest zeroes = staged.submit(Operation.WRITE_ZEROES, 0, 64 * MEBIBYTE);
            while (staged.waiting.size() < 10) {
                staged.step();
            }
            Gate.Shut held = staged.gate.hold();
            staged.engine.gateChanged();
            assertFalse(staged.gate.quiet());
            BlockRequest read = staged.submit(Operation.READ, 0, 4096);
            staged.step();
            assertEquals(0, staged.waiting.size(), "started while the gate was held");
            assertTrue(staged.gate.quiet());
            assertFalse(staged.engine.idle());

            assertTrue(staged.gate.release(held));
            staged.engine.gateChanged();
            staged.finish();
            assertTrue(staged.allEnded(Status.OK));
            assertEquals(read, staged.ended.get(0));
            assertEquals(zeroes, staged.ended.get(1));
            assertTrue(staged.engine.idle());
        }
    }

    @Test
    void aDiskThatFailsAnswersWhatIsInWorkAndWhatWaits() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 64 * MEBIBYTE, Long.MAX_VALUE)) {
            staged.allocateError = Errno.EOPNOTSUPP;
            staged.submit(Operation.WRITE_ZEROES, 0, 64 * MEBIBYTE);
            staged.submit(Operation.WRITE, 100, 1000);
            staged.submit(Operation.WRITE, 200, 1000);
            staged.submit(Operation.FLUSH, 0, 0);
            staged.step();
            staged.gate.hold();
            staged.engine.gateChanged();
            for (int more = 0; more < 2 * Engine.TRANSFER_LIMIT; more++) {
                staged.submit(Operation.WRITE, 700, 10);
            }
            staged.finish();
            assertTrue(staged.gate.quiet());
            staged.gate.fail("a test");
            staged.engine.gateChanged();
            assertEquals(0, staged.waiting.size());
            assertTrue(staged.ended.stream().allMatch(request -> request.status == Status.IO_ERROR));
            assertEquals(4 + 2 * Engine.TRANSFER_LIMIT, staged.ended.size());
            assertTrue(staged.engine.idle());
        }
    }

    /** Between the engine and the disk: it was prepared when the gate was open, and would leave now. */
    @Test
    void whatHasntLeftWhenTheGateIsShutLeavesLaterOrNever() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, MEBIBYTE, BREAK_NANOS)) {
            staged.buffer.bytes().put(0, (byte) 7);
            BlockRequest write = staged.submit(Operation.WRITE, 0, 4096);
            Gate.Shut held = staged.gate.hold();
            staged.engine.gateChanged();
            assertFalse(staged.gate.quiet());
            staged.step();
            assertTrue(staged.gate.quiet());
            assertEquals(0, staged.firstByte(), "written while the gate was held");
            assertTrue(staged.gate.release(held));
            staged.engine.gateChanged();
            staged.finish();
            assertEquals(Status.OK, write.status);
            assertEquals(7, staged.firstByte());

            staged.buffer.bytes().put(0, (byte) 8);
            BlockRequest never = staged.submit(Operation.WRITE, 0, 4096);
            staged.gate.verified(System.nanoTime() - 2 * BREAK_NANOS, BREAK_NANOS);
            staged.step();
            staged.gate.fail("a test");
            staged.engine.gateChanged();
            assertEquals(Status.IO_ERROR, never.status);
            assertEquals(7, staged.firstByte(), "written while the gate was shut by age");
            assertTrue(staged.engine.idle());
        }
    }

    /** It was short: the rest is a new operation. */
    @Test
    void theRestOfAShortOneAsksTheGateToo() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, MEBIBYTE, BREAK_NANOS)) {
            BlockRequest write = staged.submit(Operation.WRITE, 0, 4096);
            staged.lengthLimit = 512;
            Gate.Shut held = staged.gate.hold();
            assertTrue(staged.gate.release(held));
            staged.step();
            Gate.Shut heldAgain = staged.gate.hold();
            staged.engine.gateChanged();
            staged.step();
            assertTrue(staged.gate.quiet());
            assertEquals(0, staged.waiting.size());
            assertFalse(staged.engine.idle());
            assertTrue(staged.gate.release(heldAgain));
            staged.engine.gateChanged();
            staged.finish();
            assertEquals(Status.OK, write.status);
        }
    }

    /** It was done; but where the image still was? */
    @Test
    void whatCameBackWhileTheGateWasShutIsAnsweredWhenThatIsKnown() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, MEBIBYTE, BREAK_NANOS)) {
            BlockRequest first = staged.submit(Operation.WRITE, 0, 4096);
            BlockRequest second = staged.submit(Operation.READ, 8192, 4096);
            staged.beforeDelivery = () -> staged.gate.verified(System.nanoTime() - 2 * BREAK_NANOS, BREAK_NANOS);
            staged.step();
            assertEquals(0, staged.ended.size(), "answered while nobody knew");
            staged.beforeDelivery = () -> {};
            staged.gate.verified(System.nanoTime(), BREAK_NANOS);
            staged.engine.gateChanged();
            assertEquals(Status.OK, first.status);
            assertEquals(Status.OK, second.status);

            BlockRequest lost = staged.submit(Operation.WRITE, 0, 4096);
            staged.beforeDelivery = staged.gate::hold;
            staged.step();
            staged.gate.fail("a test");
            staged.engine.gateChanged();
            assertEquals(Status.IO_ERROR, lost.status);
        }
    }

    @Test
    void noMoreIsInFlightThanTheLimit() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 512 * MEBIBYTE, Long.MAX_VALUE)) {
            staged.submit(Operation.WRITE_ZEROES, 0, 256 * MEBIBYTE);
            staged.submit(Operation.WRITE_ZEROES, 256 * MEBIBYTE, 256 * MEBIBYTE);
            long most = 0;
            while (!staged.waiting.isEmpty()) {
                most = Math.max(most, staged.waitingBytes());
                staged.step();
            }
            assertTrue(most > 16 * MEBIBYTE && most <= InFlightLimit.MOST_BYTES, most + " bytes in flight");
            assertTrue(staged.allEnded(Status.OK));
        }
    }

    /**
     * A disk that does 32 MB/s, one operation after the other, and zeroes by a command or by writing: whoever takes the image
     * away waits for what is in flight, and for no longer than the kernel keeps him waiting.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatASlowDiskHasInFlightIsDoneInATenthOfTheTime(boolean command) throws Exception {
        long bytesPerSecond = 32_000_000;
        long breakNanos = TimeUnit.SECONDS.toNanos(1);
        try (StagedEngine staged = new StagedEngine(folder, 20 * MEBIBYTE, breakNanos)) {
            staged.allocateError = command ? 0 : Errno.EOPNOTSUPP;
            staged.submit(Operation.WRITE_ZEROES, 0, 10 * MEBIBYTE);
            staged.submit(Operation.WRITE_ZEROES, 10 * MEBIBYTE, 10 * MEBIBYTE);
            long most = 0;
            long unmeasured = staged.waitingBytes();
            for (long moved = 0; !staged.waiting.isEmpty(); ) {
                long length = staged.waiting.get(0).length;
                long untilNanos = System.nanoTime() + length * 1_000_000_000 / bytesPerSecond;
                while (System.nanoTime() < untilNanos) {
                    LockSupport.parkNanos(untilNanos - System.nanoTime());
                }
                staged.gate.verified(System.nanoTime(), breakNanos);
                staged.engine.gateChanged();
                staged.stepOne();
                moved += length;
                if (moved >= unmeasured) {
                    most = Math.max(most, staged.waitingBytes());
                }
            }
            assertTrue(staged.allEnded(Status.OK));
            assertTrue(most > 0 && most <= bytesPerSecond / 10, most + " bytes in flight");
        }
    }

    @Test
    void aGateShutByAgeStopsALongRequestToo() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 64 * MEBIBYTE, BREAK_NANOS)) {
            staged.allocateError = Errno.EOPNOTSUPP;
            staged.submit(Operation.WRITE_ZEROES, 0, 64 * MEBIBYTE);
            while (staged.waiting.size() < 10) {
                staged.step();
            }
            staged.gate.verified(System.nanoTime() - 2_000_000_000_000L, BREAK_NANOS);
            staged.step();
            assertEquals(0, staged.waiting.size(), "started while the gate was shut");
            staged.gate.verified(System.nanoTime(), BREAK_NANOS);
            staged.engine.gateChanged();
            staged.finish();
            assertTrue(staged.allEnded(Status.OK));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TRIM", "WRITE_ZEROES"})
    void noOperationIsLong(Operation operation) throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 1L << 40, Long.MAX_VALUE)) {
            staged.submit(operation, 4096, (1L << 32) - 4096);
            while (!staged.waiting.isEmpty()) {
                for (FileOperation waiting : staged.waiting) {
                    assertTrue(waiting.length <= 4 * MEBIBYTE, waiting::toString);
                }
                staged.step();
            }
            assertTrue(staged.allEnded(Status.OK));
        }
    }

    /** An image of a CD is whole sectors of 2048 bytes. */
    @Test
    void theLastBlockOfADiskThatIsOnlyReadMayBePartOfOne() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 3 * 4096 + 2048, Long.MAX_VALUE, 4096, true)) {
            staged.submit(Operation.READ, 0, 3 * 4096 + 2048);
            staged.submit(Operation.READ, 3 * 4096 + 1000, 1048);
            staged.submit(Operation.READ, 3 * 4096, 1);
            staged.finish();
            assertTrue(staged.allEnded(Status.OK));
        }
    }

    /** Linux says so when a large page of the device's cache holds blocks of the image and of its file system. */
    @Test
    void aBusyRangeIsZeroedByWriting() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 4 * MEBIBYTE, Long.MAX_VALUE)) {
            staged.buffer.bytes().putLong(0, -1);
            staged.submit(Operation.WRITE, 4096, 4096);
            staged.finish();
            staged.allocateError = Errno.EBUSY;
            staged.submit(Operation.TRIM, 4096, 4096);
            staged.finish();
            staged.submit(Operation.WRITE_ZEROES, 0, 2 * MEBIBYTE);
            staged.finish();
            staged.submit(Operation.READ, 4096, 4096);
            staged.finish();
            assertTrue(staged.allEnded(Status.OK));
            assertEquals(0, staged.buffer.bytes().getLong(0));

            BlockRequest fast = staged.submitZeroesOnlyIfFast(0, 4096);
            staged.finish();
            assertEquals(Status.NOT_SUPPORTED, fast.status);

            assertTrue(staged.engine.trims());
            staged.allocateError = 0;
            staged.submit(Operation.WRITE_ZEROES, 0, 4096);
            assertEquals(Kind.ALLOCATE, staged.waiting.get(0).kind, "it isn't busy for ever");
            staged.finish();
        }
    }

    /** A device may say that it can zero ranges by a command, and fail the first: SCSI disks do, and loop devices on FUSE. */
    @Test
    void aTrimThatWasOfferedEndsWellForGood() throws Exception {
        try (StagedEngine staged = new StagedEngine(folder, 4 * MEBIBYTE, Long.MAX_VALUE)) {
            assertTrue(staged.engine.trims());
            staged.buffer.bytes().putLong(0, -1);
            staged.submit(Operation.WRITE, 4096, 4096);
            staged.finish();
            staged.allocateError = Errno.EOPNOTSUPP;
            for (int attempt = 0; attempt < 3; attempt++) {
                staged.submit(Operation.TRIM, 4096, 4096);
                staged.submit(Operation.WRITE_ZEROES, MEBIBYTE, MEBIBYTE);
                staged.finish();
                assertTrue(staged.engine.trims(), "who was told so goes by it");
            }
            assertTrue(staged.allEnded(Status.OK));

            staged.submit(Operation.WRITE_ZEROES, 4096, 4096);
            staged.finish();
            staged.submit(Operation.READ, 4096, 4096);
            staged.finish();
            assertTrue(staged.allEnded(Status.OK));
            assertEquals(0, staged.buffer.bytes().getLong(0));
        }
    }

    /** A TRIM of less than a block ends when it begins: any number of them must not pile up on the stack. */
    @Test
    void requestsThatEndAtOnceEndOneAfterTheOther() throws Exception {
        onASmallStack(() -> {
            try (StagedEngine staged = new StagedEngine(folder, 4 * MEBIBYTE, Long.MAX_VALUE)) {
                staged.submit(Operation.WRITE, 1, MEBIBYTE - 1000);
                for (int trim = 0; trim < 4 * Engine.TRANSFER_LIMIT; trim++) {
                    staged.submit(Operation.TRIM, 512 + trim, 1);
                }
                assertEquals(0, staged.ended.size());
                staged.finish();
                assertTrue(staged.allEnded(Status.OK));
            }
        });
    }

    private interface Body {
        void run() throws Exception;
    }

    private static void onASmallStack(Body body) throws Exception {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Runnable catching = () -> {
            try {
                body.run();
            } catch (Exception | Error e) {
                thrown.set(e);
            }
        };
        Thread thread = new Thread(null, catching, "small", STACK_BYTES);
        thread.start();
        thread.join();
        if (thrown.get() != null) {
            throw new AssertionError(thrown.get());
        }
    }
}
