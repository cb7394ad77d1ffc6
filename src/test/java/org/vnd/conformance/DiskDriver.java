package org.vnd.conformance;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.LongSupplier;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.mem.AlignedBuffer;

/**
 * Drives a disk as an export does, with slots and their buffers, and compares all that comes back with a {@link
 * ShadowDisk}. Failures found in a completion are thrown by the next call from outside, not through the ring.
 */
public final class DiskDriver {
    private static final byte CANARY = (byte) 0xC5;
    private static final int PAGE = AlignedBuffer.PAGE_BYTES;

    private final BlockDevice device;
    private final Pump pump;
    private final AlignedBuffer arena;
    private final ShadowDisk shadow;
    private final LongSupplier moments;
    private final int transferLimit;
    private final int stride;
    /** So long without a completion while requests are out, and the disk is said to hang. */
    private final int hangSeconds;

    private final BlockRequest[] slots;
    private final Job[] jobs;
    private final int[] free;
    private final byte[] canary = new byte[PAGE];
    private final byte[] canaryFound = new byte[PAGE];
    private int freeCount;
    private long completions;
    private long completionsSeen;
    private long lastSeenSeconds;
    private Throwable failure;
    private Set<Status> expected = EnumSet.of(Status.OK);
    private long nextSeed = 1;

    /** The memory that {@code depth} requests of at most {@code transferLimit} bytes take. */
    public static int arenaBytes(int depth, int transferLimit) {
        return depth * stride(transferLimit);
    }

    private static int stride(int transferLimit) {
        // A page before for the canary, the data from anywhere in a block to anywhere in a block, a page after.
        return PAGE + (transferLimit + 2 * PAGE - 1) / PAGE * PAGE + PAGE;
    }

    public DiskDriver(
            BlockDevice device,
            Pump pump,
            AlignedBuffer arena,
            ShadowDisk shadow,
            LongSupplier moments,
            int transferLimit,
            int hangSeconds) {
        this.device = device;
        this.hangSeconds = hangSeconds;
        this.pump = pump;
        this.arena = arena;
        this.shadow = shadow;
        this.moments = moments;
        this.transferLimit = transferLimit;
        this.stride = stride(transferLimit);
        int depth = arena.sizeBytes() / stride;
        this.slots = new BlockRequest[depth];
        this.jobs = new Job[depth];
        this.free = new int[depth];
        for (int at = 0; at < depth; at++) {
            slots[at] = new BlockRequest(at, this::completed);
            free[freeCount++] = at;
        }
        Arrays.fill(canary, CANARY);
    }

    public int depth() {
        return slots.length;
    }

    public int transferLimit() {
        return transferLimit;
    }

    public ShadowDisk shadow() {
        return shadow;
    }

    /** Which outcomes are right from now on, beside NOT_SUPPORTED where a request allows that. */
    public void expect(Status first, Status... more) {
        expected = EnumSet.of(first, more);
    }

    /** Submits a request, first waiting for a slot if none is free. */
    public Job submit(Job job) {
        while (freeCount == 0) {
            step();
        }
        if (freeCount == slots.length) {
            lastSeenSeconds = pump.seconds();
        }
        int slot = free[--freeCount];
        jobs[slot] = job;
        BlockRequest request = slots[slot];
        request.operation = job.operation;
        request.offsetBytes = job.offset;
        request.lengthBytes = job.length;
        request.forceUnitAccess = job.forceUnitAccess;
        request.keepAllocated = job.keepAllocated;
        request.onlyIfFast = job.onlyIfFast;
        request.bufferAddress = 0;
        if (job.operation.hasBuffer()) {
            prepareBuffer(slot, job);
        }
        if (job.operation.changesData()) {
            job.change = shadow.begin(job.operation, job.offset, job.offset + job.length, job.seed);
            job.start = job.change.start;
        } else {
            job.start = shadow.now();
        }
        job.submitted = moments.getAsLong();
        device.submit(request);
        return job;
    }

    public Job submit(Operation operation, long offset, long length) {
        return submit(new Job(operation, offset, length));
    }

    /** Submits and waits until all requests are back. */
    public Job run(Operation operation, long offset, long length) {
        return run(new Job(operation, offset, length));
    }

    public Job run(Job job) {
        submit(job);
        drain();
        return job;
    }

    /** Waits until all requests are back, and a little longer for what may come twice. */
    public void drain() {
        while (freeCount < slots.length) {
            step();
        }
        pump(false);
        throwFailure();
    }

    /** Drains, reads back what was changed, compares it, and takes it for known. */
    public void settle() {
        drain();
        for (long[] range : shadow.changedRanges()) {
            byte[] actual = readAll(range[0], range[1]);
            shadow.check(range[0], actual, shadow.now());
            shadow.adopt(range[0], actual);
        }
        shadow.forgetChanges();
    }

    private byte[] readAll(long from, long to) {
        byte[] actual = new byte[(int) (to - from)];
        for (long at = from; at < to; at += transferLimit) {
            int length = (int) Math.min(transferLimit, to - at);
            // The last freed slot is the next taken: its buffer still holds what was read.
            run(Operation.READ, at, length);
            arena.bytes().get(dataIndex(free[freeCount - 1], at), actual, (int) (at - from), length);
        }
        return actual;
    }

    /** For clean-up after a failure: lets what is in flight end, as far as it does, before memory goes away. */
    public void abandon() {
        int patience = 100;
        while (freeCount < slots.length && patience-- > 0 && !hangs()) {
            pump(true);
        }
    }

    private void step() {
        throwFailure();
        pump(true);
        throwFailure();
        if (hangs()) {
            throw new AssertionError("requests never come back: " + outstanding());
        }
    }

    private void pump(boolean wait) {
        try {
            pump.run(wait);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private boolean hangs() {
        if (completions != completionsSeen) {
            completionsSeen = completions;
            lastSeenSeconds = pump.seconds();
        }
        return pump.seconds() - lastSeenSeconds >= hangSeconds;
    }

    private String outstanding() {
        StringBuilder text = new StringBuilder();
        for (Job job : jobs) {
            if (job != null && job.completions == 0) {
                text.append(job).append("; ");
            }
        }
        return text.toString();
    }

    private void throwFailure() {
        if (failure != null) {
            throw failure instanceof Error error ? error : new AssertionError(failure);
        }
    }

    /** Where in the arena the data of a request at disk offset {@code offset} begins. */
    private int dataIndex(int slot, long offset) {
        return slot * stride + PAGE + (int) (offset % device.blockSizeBytes());
    }

    private void prepareBuffer(int slot, Job job) {
        if (job.length > transferLimit) {
            throw new IllegalArgumentException(job + " is longer than " + transferLimit);
        }
        ByteBuffer bytes = arena.bytes();
        bytes.put(slot * stride, canary);
        bytes.put(blocksEnd(slot, job), canary);
        if (job.operation == Operation.WRITE && job.seed == 0) {
            job.seed = nextSeed++;
        }
        // A READ's buffer is filled too, with what is nowhere on the disk, so that bytes not read are seen.
        long seed = job.operation == Operation.WRITE ? job.seed : ~nextSeed++;
        int data = dataIndex(slot, job.offset);
        for (int at = 0; at < job.length; at++) {
            bytes.put(data + at, Content.at(seed, job.offset + at));
        }
        slots[slot].bufferAddress = arena.address() + data;
    }

    /** Where in the arena the last block that the device may use for the request ends. */
    private int blocksEnd(int slot, Job job) {
        int block = device.blockSizeBytes();
        long blocks = (job.offset + job.length + block - 1) / block - job.offset / block;
        return slot * stride + PAGE + (int) (blocks * block);
    }

    private void checkCanaries(int slot, Job job) {
        for (int index : new int[] {slot * stride, blocksEnd(slot, job)}) {
            arena.bytes().get(index, canaryFound);
            for (byte found : canaryFound) {
                if (found != CANARY) {
                    throw new AssertionError("memory beside the buffer was written: " + job);
                }
            }
        }
    }

    private void completed(BlockRequest request) {
        Job job = jobs[request.slot];
        job.completions++;
        completions++;
        try {
            judge(job, request);
        } catch (Throwable e) {
            failure = failure == null ? e : failure;
        }
        if (job.completions == 1) {
            free[freeCount++] = request.slot;
        }
    }

    private void judge(Job job, BlockRequest request) {
        job.status = request.status;
        job.completed = moments.getAsLong();
        if (job.completions != 1) {
            throw new AssertionError("came back " + job.completions + " times: " + job);
        }
        boolean refused = job.onlyIfFast && job.status == Status.NOT_SUPPORTED;
        if (!refused && !expected.contains(job.status)) {
            throw new AssertionError("expected " + expected + ": " + job);
        }
        if (job.operation.hasBuffer()) {
            checkCanaries(request.slot, job);
        }
        if (job.change != null) {
            if (refused) {
                shadow.drop(job.change);
            } else {
                shadow.end(job.change, job.status == Status.OK);
            }
        } else if (job.operation == Operation.READ && job.status == Status.OK) {
            byte[] actual = new byte[(int) job.length];
            arena.bytes().get(dataIndex(request.slot, job.offset), actual);
            shadow.check(job.offset, actual, job.start);
        }
    }
}
