package org.vnd.conformance;

import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Queue;
import java.util.Set;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;
import org.vnd.sys.MemoryCalls;

/**
 * The simplest disk that is right: one change at a time. And, for the conformance test's own test, a disk with a known
 * defect each. It holds no more than the tests need.
 */
final class ReferenceDisk implements BlockDevice {
    /** What can be wrong with it. */
    enum Defect {
        /** Changes run side by side even when they share a block. */
        LOSES_CONCURRENT_CHANGES,
        /** Takes a short transfer for a whole one. */
        BELIEVES_SHORT_TRANSFERS,
        /** Answers OK in spite of EIO. */
        HIDES_ERRORS,
        /** Takes EAGAIN for an error. */
        GIVES_UP_ON_AGAIN,
        /** Tries for ever. */
        NEVER_GIVES_UP,
        /** FLUSH answers at once. */
        FLUSH_WITHOUT_SYNC,
        /** FUA is not looked at. */
        FORCE_WITHOUT_SYNC,
        /** Sync's error is not looked at. */
        IGNORES_SYNC_ERRORS,
        /** WRITE_ZEROES takes whole blocks. */
        ZEROES_WHOLE_BLOCKS,
        /** TRIM takes whole blocks. */
        TRIMS_WHOLE_BLOCKS,
        /** Loses the place of the data in its block. */
        WRITES_BLOCK_START,
        /** Answers some request twice. */
        ANSWERS_TWICE,
        /** Doesn't answer some request. */
        FORGETS_ONE,
        /** Writes beyond the room in the buffer. */
        READS_TOO_FAR,
        /** Writes after the disk's end, in a file that goes on. */
        WRITES_TOO_FAR,
        /** Says that holes have storage where there is none, and the other way round. */
        WRONG_ABOUT_STORAGE,
        /** Allocates on the heap for each request. */
        ALLOCATES
    }

    static final int BLOCK = 4096;

    private static final int STEPS = 8;
    private static final int STRIDE = (1 << 20) + 2 * BLOCK;

    /** The memory it works in. */
    static final int SCRATCH_BYTES = STEPS * STRIDE;

    private final Ring ring;
    private final int handler;
    private final int ignored;
    private final int fd;
    private final long sizeBytes;
    private final Set<Defect> defects;
    private final Queue<BlockRequest> waiting = new ArrayDeque<>();
    private final Step[] steps = new Step[STEPS];
    private int active;
    private long answered;

    @SuppressWarnings("UnusedVariable") // written so that the allocation is one
    private Object garbage;

    /** A request in work: a change reads its blocks, changes them in memory, writes them. */
    private static final class Step {
        BlockRequest request;
        long memory;
        long from;
        long length;
        long done;
        int attempts;
        int phase;
    }

    /** Over the file {@code fd}; {@code scratch} is memory of {@link #SCRATCH_BYTES}. */
    ReferenceDisk(Ring ring, int fd, long sizeBytes, long scratch, Set<Defect> defects) {
        this.ring = ring;
        this.handler = ring.addHandler(this::completed);
        this.ignored = ring.addHandler((tag, result) -> {});
        this.fd = fd;
        this.sizeBytes = sizeBytes;
        this.defects = defects.isEmpty() ? EnumSet.noneOf(Defect.class) : EnumSet.copyOf(defects);
        for (int i = 0; i < steps.length; i++) {
            steps[i] = new Step();
            steps[i].memory = scratch + (long) i * STRIDE;
        }
    }

    private boolean has(Defect defect) {
        return defects.contains(defect);
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int blockSizeBytes() {
        return BLOCK;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public boolean trims() {
        return true;
    }

    @Override
    public boolean allocated(long offsetBytes) {
        return !has(Defect.WRONG_ABOUT_STORAGE) || offsetBytes < sizeBytes / 2;
    }

    @Override
    public long runLengthBytes(long offsetBytes) {
        return has(Defect.WRONG_ABOUT_STORAGE) && offsetBytes < sizeBytes / 2
                ? sizeBytes / 2 - offsetBytes
                : sizeBytes - offsetBytes;
    }

    @Override
    public void submit(BlockRequest request) {
        request.accepted();
        if (has(Defect.ALLOCATES)) {
            garbage = new long[16];
        }
        waiting.add(request);
        startNext();
    }

    private void startNext() {
        int limit = has(Defect.LOSES_CONCURRENT_CHANGES) ? steps.length : 1;
        while (active < limit && !waiting.isEmpty()) {
            int number = 0;
            while (steps[number].request != null) {
                number++;
            }
            active++;
            steps[number].request = waiting.remove();
            start(number);
        }
    }

    private void start(int number) {
        Step step = steps[number];
        BlockRequest request = step.request;
        step.done = 0;
        step.attempts = 0;
        step.phase = 0;
        if (request.operation == Operation.FLUSH) {
            if (has(Defect.FLUSH_WITHOUT_SYNC)) {
                finish(number, Status.OK);
            } else {
                step.phase = 2;
                ring.dataSync(handler, number, fd);
            }
        } else if (request.operation == Operation.CACHE || request.lengthBytes == 0) {
            finish(number, Status.OK);
        } else if (request.operation == Operation.WRITE_ZEROES && request.onlyIfFast) {
            finish(number, Status.NOT_SUPPORTED);
        } else {
            part(step, request.offsetBytes);
            transfer(number);
        }
    }

    /** The part of the request from disk offset {@code at} on: at most what the scratch memory holds. */
    private void part(Step step, long at) {
        step.from = at / BLOCK * BLOCK;
        long end = Math.min(step.request.endBytes(), step.from + (1 << 20));
        step.length = (end + BLOCK - 1) / BLOCK * BLOCK - step.from;
        step.done = 0;
    }

    private void transfer(int number) {
        Step step = steps[number];
        int left = (int) (step.length - step.done);
        if (step.phase == 0) {
            ring.read(handler, number, fd, step.memory + step.done, left, step.from + step.done);
        } else {
            ring.write(handler, number, fd, step.memory + step.done, left, step.from + step.done);
        }
    }

    private void completed(long tag, int result) {
        int number = (int) tag;
        Step step = steps[number];
        if (result < 0) {
            failed(number, -result);
            return;
        }
        step.attempts = 0;
        if (step.phase == 2) {
            finish(number, Status.OK);
            return;
        }
        step.done += result & -BLOCK;
        if (step.done < step.length && !has(Defect.BELIEVES_SHORT_TRANSFERS)) {
            transfer(number);
        } else {
            transferred(number);
        }
    }

    private void failed(int number, int errno) {
        Step step = steps[number];
        boolean again = errno == Errno.EAGAIN || errno == Errno.EINTR;
        if (again && !has(Defect.GIVES_UP_ON_AGAIN) && (step.attempts++ < 50 || has(Defect.NEVER_GIVES_UP))) {
            if (step.phase == 2) {
                ring.dataSync(handler, number, fd);
            } else {
                transfer(number);
            }
            return;
        }
        boolean hidden = has(Defect.HIDES_ERRORS) || (step.phase == 2 && has(Defect.IGNORES_SYNC_ERRORS));
        finish(number, hidden ? Status.OK : Status.IO_ERROR);
    }

    private void transferred(int number) {
        Step step = steps[number];
        BlockRequest request = step.request;
        long from = Math.max(request.offsetBytes, step.from);
        long to = Math.min(request.endBytes(), step.from + step.length);
        if (step.phase == 0 && request.operation == Operation.READ) {
            long extra = has(Defect.READS_TOO_FAR) ? BLOCK : 0;
            MemoryCalls.copy(
                    request.bufferAddress + from - request.offsetBytes,
                    step.memory + from - step.from,
                    to - from + extra);
        } else if (step.phase == 0) {
            change(step, from, to);
            step.phase = 1;
            step.done = 0;
            transfer(number);
            return;
        }
        if (to < request.endBytes()) {
            step.phase = 0;
            part(step, to);
            transfer(number);
        } else if (request.forceUnitAccess && request.operation.changesData() && !has(Defect.FORCE_WITHOUT_SYNC)) {
            step.phase = 2;
            ring.dataSync(handler, number, fd);
        } else {
            finish(number, Status.OK);
        }
    }

    private void change(Step step, long from, long to) {
        BlockRequest request = step.request;
        if (request.operation == Operation.WRITE) {
            long place = has(Defect.WRITES_BLOCK_START) ? 0 : from - step.from;
            MemoryCalls.copy(step.memory + place, request.bufferAddress + from - request.offsetBytes, to - from);
            if (has(Defect.WRITES_TOO_FAR) && request.endBytes() == sizeBytes) {
                ring.write(ignored, 0, fd, step.memory, BLOCK, sizeBytes);
            }
        } else if ((request.operation == Operation.WRITE_ZEROES && has(Defect.ZEROES_WHOLE_BLOCKS))
                || (request.operation == Operation.TRIM && has(Defect.TRIMS_WHOLE_BLOCKS))) {
            MemoryCalls.zero(step.memory, step.length);
        } else {
            MemoryCalls.zero(step.memory + from - step.from, to - from);
        }
    }

    private void finish(int number, Status status) {
        BlockRequest request = steps[number].request;
        steps[number].request = null;
        active--;
        answered++;
        if (!(has(Defect.FORGETS_ONE) && answered == 7)) {
            request.complete(status);
        }
        if (has(Defect.ANSWERS_TWICE) && answered % 7 == 0) {
            request.accepted();
            request.complete(status);
        }
        startNext();
    }
}
