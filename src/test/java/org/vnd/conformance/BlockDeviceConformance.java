package org.vnd.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.block.BlockDevice;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;
import org.vnd.sim.FaultyRing;
import org.vnd.sim.OperationRing.FileOperation;
import org.vnd.sim.OperationRing.Kind;
import org.vnd.sim.RecordingRing;

/**
 * What every disk must do, whatever is below it. A subclass opens one; it should be of at least 4 MiB, in many extents
 * where it has extents.
 */
@ExtendWith(Seeded.class)
public abstract class BlockDeviceConformance {
    private static final int DEPTH = 32;
    private static final int TRANSFER_LIMIT = 1 << 20;
    private static final int ROUNDS = Integer.getInteger("vnd.rounds", 4);
    private static final int ROUND_REQUESTS = 150;

    /**
     * Opens a new disk over an image with random content.
     *
     * @param around what the disk's ring is to be wrapped in
     * @param arena memory the requests' buffers are in, for the ring to register
     */
    protected abstract Subject open(SeededRandom random, UnaryOperator<Ring> around, AlignedBuffer arena)
            throws Exception;

    /** How long a disk may take for a request: far more than any does, on a machine that does other things as well. */
    protected int hangSeconds() {
        return 60;
    }

    /** How many requests are watched for allocations. */
    protected int steadyRequests() {
        return 100_000;
    }

    /** A disk with the parts of a test, closed in order. */
    private final class Bench implements AutoCloseable {
        final FaultyRing.Faults faults = new FaultyRing.Faults();
        final AlignedBuffer arena;
        final Subject subject;
        final BlockDevice device;
        final DiskDriver driver;
        RecordingRing recording;
        FaultyRing faulty;

        Bench(SeededRandom random) throws Exception {
            this(random, DEPTH, TRANSFER_LIMIT);
        }

        Bench(SeededRandom random, int depth, int transferLimit) throws Exception {
            arena = new AlignedBuffer(DiskDriver.arenaBytes(depth, transferLimit));
            faults.reorders = false;
            subject = open(random, ring -> around(ring, random), arena);
            device = subject.device();
            faults.granularityBytes = device.blockSizeBytes();
            ShadowDisk shadow = new ShadowDisk(subject.readImage());
            assertEquals(device.sizeBytes(), shadow.sizeBytes());
            driver = new DiskDriver(
                    device, Pump.of(subject.ring()), arena, shadow, recording::now, transferLimit, hangSeconds());
        }

        private Ring around(Ring ring, SeededRandom random) {
            recording = new RecordingRing(ring, this::guard);
            faulty = new FaultyRing(recording, faults, random);
            return faulty;
        }

        private void guard(FileOperation operation) {
            int block = device.blockSizeBytes();
            if (operation.kind == Kind.READ || operation.kind == Kind.WRITE) {
                assertEquals(0, operation.address % block, "memory alignment of " + operation);
                assertEquals(0, operation.offset % block, "alignment of " + operation);
                assertEquals(0, operation.length % block, "length of " + operation);
                assertTrue(operation.length > 0, "empty " + operation);
            }
            subject.checkPlace(operation);
        }

        /** Compares the whole image with what the requests should have made of it. */
        void checkImage() throws Exception {
            driver.settle();
            driver.run(Operation.FLUSH, 0, 0);
            driver.shadow().check(0, subject.readImage(), driver.shadow().now());
        }

        @Override
        public void close() throws IOException {
            faults.shortTransferOneIn = 0;
            faults.tryAgainOneIn = 0;
            faults.ioErrorOneIn = 0;
            faults.syncErrorOneIn = 0;
            driver.abandon();
            subject.close();
            arena.close();
        }
    }

    private static Job job(Operation operation, long offset, long length) {
        return new Job(operation, offset, length);
    }

    private static Job forceUnitAccess(Job job) {
        job.forceUnitAccess = true;
        return job;
    }

    private static void runRounds(Bench bench, SeededRandom random, int requests) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Workload workload = new Workload(random, bench.driver);
            for (int i = 0; i < requests; i++) {
                bench.driver.submit(workload.next());
            }
            bench.driver.settle();
        }
        bench.checkImage();
    }

    @Test
    void readsWhatTheImageHolds(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            long size = bench.device.sizeBytes();
            for (long at = 0; at < size; ) {
                long length = Math.min(random.length(TRANSFER_LIMIT), size - at);
                bench.driver.submit(Operation.READ, at, length);
                at += length;
            }
            bench.driver.drain();
        }
    }

    @Test
    void doesRandomRequestsOneByOne(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random, 1, TRANSFER_LIMIT)) {
            runRounds(bench, random, ROUND_REQUESTS / 3);
        }
    }

    @Test
    void doesRandomRequestsAtDepth32(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            runRounds(bench, random, ROUND_REQUESTS);
        }
    }

    @Test
    void doesRandomRequestsWhenTheRingReordersAndTransfersAreShort(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.reorders = true;
            bench.faults.shortTransferOneIn = 4;
            bench.faults.tryAgainOneIn = 8;
            runRounds(bench, random, ROUND_REQUESTS);
            assertTrue(bench.faulty.injected() > 0);
        }
    }

    @Test
    void keepsAllOtherBytesWhenSomeRequestsFail(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.reorders = true;
            int failed = 0;
            for (int round = 0; round < ROUNDS; round++) {
                bench.faults.ioErrorOneIn = 12;
                bench.faults.shortTransferOneIn = 6;
                bench.driver.expect(Status.OK, Status.IO_ERROR);
                Workload workload = new Workload(random, bench.driver);
                List<Job> jobs = new ArrayList<>();
                for (int i = 0; i < ROUND_REQUESTS; i++) {
                    jobs.add(bench.driver.submit(workload.next()));
                }
                bench.driver.drain();
                failed += (int) jobs.stream()
                        .filter(job -> job.status == Status.IO_ERROR)
                        .count();
                bench.faults.ioErrorOneIn = 0;
                bench.driver.expect(Status.OK);
                bench.driver.settle();
            }
            bench.checkImage();
            assertTrue(failed > 0, "no error of the storage became an error of a request");
        }
    }

    @Test
    void failsEveryRequestWhenTheStorageFailsAndWorksOnWhenItIsBack(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.ioErrorOneIn = 1;
            bench.driver.expect(Status.IO_ERROR);
            for (int i = 0; i < 3 * DEPTH; i++) {
                long offset = random.below(bench.device.sizeBytes() - 10_000);
                bench.driver.submit(random.oneOf(Operation.READ, Operation.WRITE), offset, random.between(1, 10_000));
            }
            bench.driver.drain();
            bench.faults.ioErrorOneIn = 0;
            bench.driver.expect(Status.OK);
            runRounds(bench, random, DEPTH);
        }
    }

    @Test
    void failsAFlushOrForcedWriteWhoseSyncFails(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.syncErrorOneIn = 1;
            bench.driver.run(Operation.WRITE, 4096, 4096);
            bench.driver.expect(Status.IO_ERROR);
            bench.driver.run(Operation.FLUSH, 0, 0);
            bench.driver.run(forceUnitAccess(job(Operation.WRITE, 0, 4096)));
            bench.faults.syncErrorOneIn = 0;
            bench.driver.expect(Status.OK);
            bench.checkImage();
        }
    }

    @Test
    void losesNoPartOfABlockThatManyWriteAtOnce(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.reorders = true;
            for (int round = 0; round < 40; round++) {
                // Pieces side by side over three blocks, each written once, in any order, all in flight together.
                long start = random.below(bench.device.sizeBytes() / 4096 - 3) * 4096;
                List<Job> pieces = new ArrayList<>();
                for (long at = start; at < start + 3 * 4096 && pieces.size() < DEPTH; ) {
                    long length = Math.min(random.between(1, 1000), start + 3 * 4096 - at);
                    boolean zero = random.oneIn(6);
                    pieces.add(job(zero ? Operation.WRITE_ZEROES : Operation.WRITE, at, length));
                    at += length;
                }
                while (!pieces.isEmpty()) {
                    bench.driver.submit(pieces.remove(random.below(pieces.size())));
                }
                bench.driver.settle();
            }
            bench.checkImage();
        }
    }

    @Test
    void keepsWholeBlockWritesBesideUnalignedOnes(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.reorders = true;
            for (int round = 0; round < 40; round++) {
                // Unaligned ones that reach a few bytes into blocks which aligned ones write whole, before and after.
                long block = 4096 * (1 + random.below(bench.device.sizeBytes() / 4096 - 4));
                for (int i = 0; i < DEPTH / 4; i++) {
                    long inside = block + random.between(1, 2000);
                    bench.driver.submit(Operation.WRITE, inside, random.between(1, 8000));
                    bench.driver.submit(Operation.WRITE, block + 4096L * random.below(2), 4096);
                    bench.driver.submit(Operation.READ, block + random.below(4096), random.between(1, 8000));
                    bench.driver.submit(Operation.TRIM, inside, random.between(1, 6000));
                }
                bench.driver.settle();
            }
            bench.checkImage();
        }
    }

    @Test
    void flushCoversEveryWriteThatWasDone(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.reorders = true;
            bench.recording.record();
            List<Job> writes = new ArrayList<>();
            List<Job> flushes = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                long offset = random.below(bench.device.sizeBytes() - 20_000);
                writes.add(bench.driver.submit(Operation.WRITE, offset, random.between(1, 20_000)));
                if (random.oneIn(5)) {
                    flushes.add(bench.driver.submit(Operation.FLUSH, 0, 0));
                }
            }
            bench.driver.drain();
            for (Job flush : flushes) {
                long answered = writes.stream()
                        .mapToLong(write -> write.completed)
                        .filter(moment -> moment < flush.submitted)
                        .max()
                        .orElse(0);
                checkSynced(bench, flush, answered);
            }
        }
    }

    @Test
    void forcedChangesAreSyncedBeforeTheAnswer(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.reorders = true;
            for (int i = 0; i < 100; i++) {
                bench.recording.record();
                Operation operation = random.oneOf(Operation.WRITE, Operation.WRITE, Operation.WRITE_ZEROES);
                Job job = job(operation, random.below(bench.device.sizeBytes() - 300_000), random.length(300_000));
                job.keepAllocated = random.oneIn(2);
                bench.driver.run(forceUnitAccess(job));
                checkSynced(bench, job, job.completed);
            }
        }
    }

    /** Whatever the storage had changed by {@code deadline} was synced, from then on, before {@code job} was answered. */
    private static void checkSynced(Bench bench, Job job, long deadline) {
        long lastChange = 0;
        for (RecordingRing.Entry entry : bench.recording.entries()) {
            boolean changes = entry.operation.kind == Kind.WRITE || entry.operation.kind == Kind.ALLOCATE;
            if (changes && entry.end < deadline) {
                lastChange = Math.max(lastChange, entry.end);
            }
        }
        for (RecordingRing.Entry entry : bench.recording.entries()) {
            if (entry.operation.kind == Kind.DATA_SYNC && entry.start > lastChange && entry.end < job.completed) {
                return;
            }
        }
        throw new AssertionError("no sync between the last change, at " + lastChange + ", and the answer, at "
                + job.completed + ", of " + job);
    }

    @Test
    void writesZeroes(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            long size = bench.device.sizeBytes();
            for (int i = 0; i < 100; i++) {
                long offset = random.below(size);
                Job job = job(Operation.WRITE_ZEROES, offset, random.length(size - offset));
                job.keepAllocated = random.oneIn(2);
                job.onlyIfFast = random.oneIn(3);
                job.forceUnitAccess = random.oneIn(5);
                bench.driver.run(job);
                if (job.keepAllocated && job.status == Status.OK && job.length >= 8192) {
                    assertAllocated(bench.device, job.offset, job.length);
                }
                long overwritten = random.below(size - 5000);
                bench.driver.run(Operation.WRITE, overwritten, random.between(1, 5000));
                bench.driver.settle();
            }
            bench.checkImage();
            bench.driver.run(Operation.WRITE_ZEROES, 0, size);
            bench.checkImage();
        }
    }

    private static void assertAllocated(BlockDevice device, long offset, long length) {
        for (long at = offset; at < offset + length; at += device.runLengthBytes(at)) {
            assertTrue(device.allocated(at), "no storage at " + at + " after WRITE_ZEROES that keeps it");
        }
    }

    @Test
    void trimsNothingButItsRange(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            long size = bench.device.sizeBytes();
            for (int i = 0; i < 60; i++) {
                long offset = random.below(size);
                bench.driver.run(Operation.TRIM, offset, random.length(Math.min(size - offset, TRANSFER_LIMIT)));
                bench.driver.run(Operation.WRITE, random.below(size - 5000), random.between(1, 5000));
            }
            bench.checkImage();
            bench.driver.run(Operation.TRIM, 0, size);
            bench.driver.run(Operation.WRITE, 1000, 100_000);
            bench.checkImage();
        }
    }

    @Test
    void doesNothingForZeroLength(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            for (Operation operation : Operation.values()) {
                for (long offset : new long[] {0, 1, bench.device.sizeBytes() - 1, bench.device.sizeBytes()}) {
                    bench.driver.run(operation, operation.hasRange() ? offset : 0, 0);
                    Job forced = job(operation, operation.hasRange() ? offset : 0, 0);
                    forced.forceUnitAccess = operation.changesData();
                    bench.driver.run(forced);
                }
            }
            bench.checkImage();
        }
    }

    @Test
    void reachesTheLastByte(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            long size = bench.device.sizeBytes();
            for (long length : new long[] {1, 511, 512, 513, 4095, 4096, 4097, 100_000}) {
                bench.driver.run(Operation.WRITE, size - length, length);
                bench.driver.run(Operation.READ, size - length, length);
                bench.driver.settle();
                bench.driver.run(Operation.WRITE_ZEROES, size - length / 2 - 1, length / 2 + 1);
                bench.driver.settle();
                bench.driver.run(Operation.WRITE, 0, length);
                bench.driver.run(Operation.READ, 0, length);
                bench.driver.settle();
            }
            bench.checkImage();
        }
    }

    @Test
    void movesTheWholeDisk(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            long size = bench.device.sizeBytes();
            for (int pass = 0; pass < 2; pass++) {
                for (long at = 0; at < size; at += TRANSFER_LIMIT) {
                    bench.driver.submit(Operation.WRITE, at, Math.min(TRANSFER_LIMIT, size - at));
                }
                bench.checkImage();
                bench.faults.reorders = true;
            }
        }
    }

    @Test
    void servesMoreRequestsThanAnEngineHasPlacesFor(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random, 700, 16384)) {
            for (int round = 0; round < 3; round++) {
                Workload workload = new Workload(random, bench.driver);
                for (int i = 0; i < 2000; i++) {
                    bench.driver.submit(workload.next());
                }
                bench.driver.settle();
                bench.faults.reorders = true;
            }
            bench.checkImage();
        }
    }

    @Test
    void endsWhenTheStorageMovesNothing(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            bench.faults.tryAgainOneIn = 1;
            bench.driver.expect(Status.IO_ERROR);
            bench.driver.submit(Operation.READ, 0, 100_000);
            bench.driver.submit(Operation.WRITE, 12345, 100_000);
            bench.driver.drain();
            bench.faults.tryAgainOneIn = 0;
            bench.driver.expect(Status.OK);
            bench.checkImage();
        }
    }

    @Test
    void tellsWhatHasStorage(SeededRandom random) throws Exception {
        try (Bench bench = new Bench(random)) {
            long size = bench.device.sizeBytes();
            bench.driver.run(Operation.TRIM, size / 4, size / 4);
            bench.driver.run(Operation.WRITE, size / 3, 10_000);
            byte[] image = bench.subject.readImage();
            for (long at = 0; at < size; ) {
                boolean allocated = bench.device.allocated(at);
                long length = bench.device.runLengthBytes(at);
                assertTrue(length > 0 && at + length <= size, "run of " + length + " at " + at);
                assertEquals(allocated, bench.device.allocated(at + length - 1), "at " + (at + length - 1));
                for (long hole = at; !allocated && hole < at + length; hole++) {
                    assertEquals(0, image[(int) hole], "no storage, yet not zero, at " + hole);
                }
                at += length;
            }
            assertAllocated(bench.device, size / 3, 10_000);
        }
    }

    @Test
    void allocatesNothingInSteadyState(SeededRandom random) throws Exception {
        AlignedBuffer arena = new AlignedBuffer(DEPTH * 16384);
        try (Subject subject = open(random, ring -> ring, arena)) {
            SteadyLoad load = new SteadyLoad(subject.device(), arena, DEPTH, random);
            load.run(subject.ring(), steadyRequests() / 4);
            var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            threads.getCurrentThreadAllocatedBytes();
            long before = threads.getCurrentThreadAllocatedBytes();
            load.run(subject.ring(), steadyRequests());
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(
                    allocated < steadyRequests() / 100,
                    allocated + " bytes allocated in " + steadyRequests() + " requests");
        } finally {
            arena.close();
        }
    }
}
