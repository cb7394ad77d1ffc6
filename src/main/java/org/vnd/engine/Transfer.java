package org.vnd.engine;

import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.sys.Errno;

/** A request on its way through an engine: which step it is in, and what of that step has been started. */
final class Transfer {
    /**
     * The steps of a request, each a set of fragments. READ: data. WRITE: edges read, data. WRITE_ZEROES: whole blocks
     * deallocated or filled, edges read, edges written. TRIM: deallocated. And a sync, where that was asked for.
     */
    enum Phase {
        /** Reads the blocks of which the request changes only a part. */
        EDGE_READ,
        /** Writes them back (WRITE_ZEROES only; a WRITE takes them along with its data). */
        EDGE_WRITE,
        /** Moves the data. */
        DATA,
        /** Zeroes or discards by fallocate(2). */
        DEALLOCATE,
        /** Zeroes by writing, where fallocate can't. */
        ZERO_FILL,
        /** Flushes, for FLUSH and for force unit access. */
        SYNC
    }

    final int index;
    /** A block of memory for each edge. */
    final long headAddress;

    final long tailAddress;

    /** The request it is taken by; of an earlier one while it is free. */
    @SuppressWarnings("NullAway.Init")
    BlockRequest request;

    Phase phase = Phase.SYNC;
    /** The whole blocks the request touches. */
    long blocksStart;

    long blocksEnd;
    /** Which edges are partial blocks; a request inside one block has only a head. */
    boolean partialHead;

    boolean partialTail;
    /** What the current phase has still to start: [cursor, end). */
    long cursor;

    long end;
    /** Memory address that belongs to disk offset 0, so that address = base + offset; DATA only. */
    long addressBase;
    /** fallocate(2)'s mode; DEALLOCATE only. */
    int mode;

    /** The current mode of fallocate(2) can't be done here. */
    boolean unsupported;
    /** No mode of it can be done now. */
    boolean busy;
    /** It waits for fragments, or for the gate. */
    boolean starved;

    int inFlight;
    Status status = Status.OK;

    @Nullable
    Transfer next;

    /** Place in {@link WriteOrder}. */
    int orderIndex;

    Transfer(int index, long headAddress, long tailAddress) {
        this.index = index;
        this.headAddress = headAddress;
        this.tailAddress = tailAddress;
    }

    void begin(BlockRequest started, int blockSizeBytes) {
        assert inFlight == 0;
        request = started;
        status = Status.OK;
        unsupported = false;
        busy = false;
        long mask = blockSizeBytes - 1L;
        blocksStart = started.offsetBytes & ~mask;
        blocksEnd = started.endBytes() + mask & ~mask;
        partialHead = false;
        partialTail = false;
        if (started.operation == Operation.WRITE || started.operation == Operation.WRITE_ZEROES) {
            boolean one = blocksEnd - blocksStart == blockSizeBytes;
            boolean startsInside = started.offsetBytes != blocksStart;
            boolean endsInside = started.endBytes() != blocksEnd;
            partialHead = startsInside || (one && endsInside);
            partialTail = !one && endsInside;
        }
    }

    /** Whether it reads blocks to write them back changed. */
    boolean modifiesBlocks() {
        return partialHead || partialTail;
    }

    /** A fragment of {@code kind} has failed. A mode of fallocate(2) that can't be done is no error yet. */
    void failed(int kind, int errno) {
        if (kind == FragmentTable.ALLOCATE && (errno == Errno.EOPNOTSUPP || errno == Errno.EBUSY)) {
            unsupported = true;
            busy |= errno == Errno.EBUSY;
        } else {
            fail(errno == Errno.ENOSPC || errno == Errno.EDQUOT ? Status.NO_SPACE : Status.IO_ERROR);
        }
    }

    /** The request fails; for what came first, if it did before. */
    void fail(Status why) {
        if (status == Status.OK) {
            status = why;
        }
    }

    boolean overlaps(Transfer other) {
        return blocksStart < other.blocksEnd && other.blocksStart < blocksEnd;
    }

    void range(Phase newPhase, long from, long to) {
        phase = newPhase;
        cursor = from;
        end = to;
    }
}
