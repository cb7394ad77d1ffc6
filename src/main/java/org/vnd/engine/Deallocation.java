package org.vnd.engine;

import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.engine.Transfer.Phase;
import org.vnd.sys.FileCalls;

/** How a descriptor zeroes and discards ranges. What it turned out not to be able to do is not tried again. */
final class Deallocation {
    private final boolean zeroRangeIsFast;
    private final boolean offered;
    private boolean punches;
    private boolean zeroesRange = true;

    /**
     * @param punches whether a range can be discarded, as far as is known
     * @param zeroRangeIsFast whether FALLOC_FL_ZERO_RANGE is known not to write the zeros one by one
     */
    Deallocation(boolean punches, boolean zeroRangeIsFast) {
        this.offered = punches;
        this.punches = punches;
        this.zeroRangeIsFast = zeroRangeIsFast;
    }

    /** Whether a range could be discarded when the disk was made: what clients were told of it holds for good. */
    boolean offered() {
        return offered;
    }

    /** Whether zeroing needs no writing of zeros, as far as is known before the first try. */
    boolean fast(BlockRequest request) {
        return (punches && !request.keepAllocated) || (zeroesRange && zeroRangeIsFast);
    }

    /**
     * Puts the transfer into the phase that zeroes or discards the whole blocks inside its request, by the best way there
     * is. The partial blocks are zeroed afterwards, or, for TRIM, left alone.
     */
    void start(Transfer transfer, int blockSizeBytes) {
        BlockRequest request = transfer.request;
        long mask = blockSizeBytes - 1L;
        long from = request.offsetBytes + mask & ~mask;
        long to = request.endBytes() & ~mask;
        boolean punch = punches && !transfer.busy;
        if (from >= to || (request.operation == Operation.TRIM && !punch)) {
            transfer.range(Phase.DEALLOCATE, 0, 0);
            return;
        }
        if (request.operation == Operation.TRIM || (punch && !request.keepAllocated)) {
            transfer.mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
            transfer.range(Phase.DEALLOCATE, from, to);
        } else if (!transfer.busy && (fast(request) || (zeroesRange && !request.onlyIfFast))) {
            transfer.mode = FileCalls.FALLOC_FL_ZERO_RANGE | FileCalls.FALLOC_FL_KEEP_SIZE;
            transfer.range(Phase.DEALLOCATE, from, to);
        } else if (request.onlyIfFast) {
            transfer.status = Status.NOT_SUPPORTED;
            transfer.range(Phase.DEALLOCATE, 0, 0);
        } else {
            transfer.range(Phase.ZERO_FILL, from, to);
        }
    }

    /** The descriptor can't do fallocate(2)'s {@code mode}. */
    void unsupported(int mode) {
        punches &= (mode & FileCalls.FALLOC_FL_PUNCH_HOLE) == 0;
        zeroesRange &= (mode & FileCalls.FALLOC_FL_ZERO_RANGE) == 0;
    }
}
