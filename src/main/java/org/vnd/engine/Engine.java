package org.vnd.engine;

import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.RequestQueue;
import org.vnd.block.Status;
import org.vnd.engine.Transfer.Phase;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;
import org.vnd.sys.SysException;

/**
 * The way of a request between a buffer and a descriptor opened with O_DIRECT: a request takes a {@link Transfer}, which
 * goes through its phases; a phase is cut into fragments where the place on the descriptor jumps; a fragment is one
 * operation of the ring. Where the place is, the two subclasses know.
 */
public abstract class Engine implements BlockDevice {
    /**
     * Requests in work at once. An NVMe queue of one Linux blk-mq context is commonly 128 to 256 deep; what comes beyond
     * waits in its slot and costs nothing.
     */
    public static final int TRANSFER_LIMIT = 256;

    /** Operations in flight at once: one for each transfer, and as many again for those that have several fragments. */
    public static final int FRAGMENT_LIMIT = 512;

    /** Fragments of one transfer in flight: a request over a badly fragmented range doesn't take all from the others. */
    private static final int FRAGMENTS_PER_TRANSFER = 64;

    /**
     * What one operation moves or zeroes. Once the gate is shut, what is in flight must be done in seconds, also where the
     * kernel zeroes by writing; and a device's own commands aren't longer.
     */
    private static final long OPERATION_BYTES_LIMIT = 4 << 20;

    /** The unit of zeroes written by hand; long enough that the calls don't matter, short enough to lock in memory. */
    private static final int ZERO_BYTES = 256 * 1024;

    private final Gate gate;
    private final long sizeBytes;
    private final int blockSizeBytes;
    private final boolean readOnly;
    private final AlignedBuffer memory;
    private final long zeroAddress;
    private final Transfer[] free = new Transfer[TRANSFER_LIMIT];
    private final Fragments fragments;
    private final RequestQueue arrived = new RequestQueue();
    private final TransferQueue starved = new TransferQueue();
    private final WriteOrder order = new WriteOrder(TRANSFER_LIMIT);
    private int freeCount;
    /** Whether {@link #startWaiting} is at work, perhaps further up the stack. */
    private boolean starting;

    private final Deallocation deallocation;

    /**
     * An engine on {@code fd}, used on {@code ring}'s thread only.
     *
     * @param sizeBytes of the disk; whole sectors of 512
     * @param blockSizeBytes the alignment that O_DIRECT asks for
     * @param deallocation what {@code fd} can do beside reading and writing
     * @throws SysException ENOMEM
     */
    protected Engine(
            Ring ring,
            Gate gate,
            int fd,
            long sizeBytes,
            int blockSizeBytes,
            boolean readOnly,
            Deallocation deallocation)
            throws SysException {
        assert Integer.bitCount(blockSizeBytes) == 1 && blockSizeBytes <= AlignedBuffer.PAGE_BYTES;
        this.gate = gate;
        this.sizeBytes = sizeBytes;
        this.blockSizeBytes = blockSizeBytes;
        this.readOnly = readOnly;
        this.deallocation = deallocation;
        this.fragments = new Fragments(ring, gate, fd, sizeBytes, blockSizeBytes, this::fragmentEnded);
        this.memory = new AlignedBuffer(ZERO_BYTES + 2 * TRANSFER_LIMIT * blockSizeBytes);
        this.zeroAddress = memory.address();
        long edges = memory.address() + ZERO_BYTES;
        for (int at = 0; at < TRANSFER_LIMIT; at++) {
            long head = edges + 2L * at * blockSizeBytes;
            free[freeCount++] = new Transfer(at, head, head + blockSizeBytes);
        }
    }

    /** Where byte {@code diskOffset} lies on the descriptor, of which {@code wantedBytes} are wanted. */
    protected abstract long locate(long diskOffset, long wantedBytes);

    /** For how many bytes, at least, what was just located goes on without a jump, if that isn't all that was wanted. */
    protected abstract long contiguousBytes();

    /** Whether all of the range lies at {@code place} on the descriptor: looked up by another way than {@link #locate}. */
    protected abstract boolean liesAt(long place, long diskOffset, long lengthBytes);

    /** The range is about to be written or zeroed: for those who keep account of what has storage. */
    protected abstract void willChange(long fromBytes, long toBytes);

    /** Memory of the engine's own that takes part in I/O, to be registered with the ring. */
    public AlignedBuffer memory() {
        return memory;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int blockSizeBytes() {
        return blockSizeBytes;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public boolean trims() {
        return deallocation.offered();
    }

    /** Requests in work, without those that wait for a place. */
    public int inWork() {
        return TRANSFER_LIMIT - freeCount;
    }

    /** Whether nothing is in work. */
    public boolean idle() {
        return inWork() == 0 && arrived.isEmpty();
    }

    @Override
    public void submit(BlockRequest request) {
        request.accepted();
        assert request.offsetBytes >= 0 && (!request.operation.hasRange() || request.endBytes() <= sizeBytes);
        assert !readOnly || !request.operation.changesData();
        if (gate.state() == Gate.State.FAILED) {
            request.complete(Status.IO_ERROR);
        } else if (needsNoWork(request)) {
            request.complete(Status.OK);
        } else if (request.operation == Operation.WRITE_ZEROES && request.onlyIfFast && !deallocation.fast(request)) {
            request.complete(Status.NOT_SUPPORTED);
        } else if (!arrived.isEmpty() || freeCount == 0) {
            arrived.add(request);
        } else {
            begin(request);
        }
    }

    private boolean needsNoWork(BlockRequest request) {
        return switch (request.operation) {
            case CACHE -> true;
            case FLUSH -> readOnly;
            default -> request.lengthBytes == 0;
        };
    }

    /** Goes on with what the gate held up, or fails it; called after every change of the gate. */
    public void gateChanged() {
        fragments.settleShutOut();
        issueStarved();
        fragments.tellIfQuiet();
    }

    /**
     * Starts what waited for another to end. What ends at once would come here again: a call inside a call leaves the rest
     * to the loop of the outer one, so that any number of them takes no more stack than one.
     */
    private void startWaiting() {
        if (starting) {
            return;
        }
        starting = true;
        while (startNext()) {
            // One after the other.
        }
        starting = false;
    }

    private boolean startNext() {
        Transfer next = order.next();
        if (next != null) {
            start(next);
            return true;
        }
        BlockRequest request = freeCount > 0 ? arrived.poll() : null;
        if (request != null) {
            begin(request);
        }
        return request != null;
    }

    private void begin(BlockRequest request) {
        Transfer transfer = free[--freeCount];
        transfer.begin(request, blockSizeBytes);
        if (!request.operation.changesData() || order.admit(transfer)) {
            start(transfer);
        }
    }

    /** Puts the transfer into its first phase. */
    private void start(Transfer transfer) {
        BlockRequest request = transfer.request;
        if (request.operation.changesData() && request.operation != Operation.TRIM) {
            willChange(transfer.blocksStart, transfer.blocksEnd);
        }
        if (request.operation == Operation.WRITE && transfer.modifiesBlocks()) {
            transfer.range(Phase.EDGE_READ, 0, 1);
        } else if (request.operation == Operation.FLUSH) {
            transfer.range(Phase.SYNC, 0, 1);
        } else if (request.operation.hasBuffer()) {
            startData(transfer);
        } else {
            deallocation.start(transfer, blockSizeBytes);
        }
        issue(transfer);
    }

    private void startData(Transfer transfer) {
        BlockRequest request = transfer.request;
        assert (request.bufferAddress - request.offsetBytes & blockSizeBytes - 1) == 0 : "alignment of the buffer";
        transfer.addressBase = request.bufferAddress - request.offsetBytes;
        transfer.range(Phase.DATA, transfer.blocksStart, transfer.blocksEnd);
    }

    /**
     * Starts fragments of the current phase until there are none left to start, or no room, or the gate is shut: a request
     * may be long, and what is in flight must be done before somebody else has the image.
     */
    private void issue(Transfer transfer) {
        while (moreToStart(transfer)) {
            if (transfer.inFlight >= FRAGMENTS_PER_TRANSFER) {
                return;
            }
            if (fragments.mayStart()) {
                issueNext(transfer);
            } else if (gate.state() == Gate.State.FAILED) {
                transfer.fail(Status.IO_ERROR);
            } else {
                starve(transfer);
                return;
            }
        }
        if (transfer.inFlight == 0) {
            advance(transfer);
        }
    }

    private void issueNext(Transfer transfer) {
        switch (transfer.phase) {
            case EDGE_READ -> issueEdges(transfer, FragmentTable.READ);
            case EDGE_WRITE -> issueEdges(transfer, FragmentTable.WRITE);
            case SYNC -> {
                transfer.cursor = transfer.end;
                fragments.start(transfer, FragmentTable.SYNC, 0, 0, 0);
            }
            default -> issueRange(transfer);
        }
    }

    private void issueEdges(Transfer transfer, int kind) {
        transfer.cursor = transfer.end;
        if (transfer.partialHead) {
            long at = locate(transfer.blocksStart, blockSizeBytes);
            assert liesAt(at, transfer.blocksStart, blockSizeBytes) : "head at " + transfer.blocksStart;
            fragments.start(transfer, kind, transfer.headAddress, blockSizeBytes, at);
        }
        if (transfer.partialTail) {
            long tail = transfer.blocksEnd - blockSizeBytes;
            long at = locate(tail, blockSizeBytes);
            assert liesAt(at, tail, blockSizeBytes) : "tail at " + tail;
            fragments.start(transfer, kind, transfer.tailAddress, blockSizeBytes, at);
        }
    }

    private void issueRange(Transfer transfer) {
        long most = Math.min(OPERATION_BYTES_LIMIT, fragments.roomBytes() & -blockSizeBytes);
        long rest = Math.min(transfer.end - transfer.cursor, most);
        long at = locate(transfer.cursor, rest);
        long length = Math.min(rest, contiguousBytes());
        int kind;
        long address = 0;
        if (transfer.phase == Phase.DATA) {
            kind = transfer.request.operation == Operation.READ ? FragmentTable.READ : FragmentTable.WRITE;
            address = transfer.addressBase + transfer.cursor;
        } else if (transfer.phase == Phase.ZERO_FILL) {
            kind = FragmentTable.WRITE;
            address = zeroAddress;
            length = Math.min(length, ZERO_BYTES);
        } else {
            kind = FragmentTable.ALLOCATE;
        }
        assert length > 0 && length % blockSizeBytes == 0 : "fragment of " + length;
        assert liesAt(at, transfer.cursor, length) : "fragment at " + transfer.cursor;
        transfer.cursor += length;
        fragments.start(transfer, kind, address, length, at);
    }

    /** A fragment of it is over, and perhaps the last one that holds others up. */
    private void fragmentEnded(Transfer transfer) {
        if (!transfer.starved) {
            if (starved.isEmpty() || !moreToStart(transfer)) {
                issue(transfer);
            } else {
                starve(transfer);
            }
        }
        // From here on the transfer may be another request's.
        issueStarved();
        fragments.tellIfQuiet();
    }

    private void issueStarved() {
        for (Transfer next = starved.peek(); next != null; next = starved.peek()) {
            if (!fragments.mayStart() && gate.state() != Gate.State.FAILED) {
                return;
            }
            starved.poll();
            next.starved = false;
            issue(next);
        }
    }

    private static boolean moreToStart(Transfer transfer) {
        return transfer.cursor < transfer.end && transfer.status == Status.OK && !transfer.unsupported;
    }

    /** Lines up behind the others that wait for fragments or for the gate, so that all get their turn. */
    private void starve(Transfer transfer) {
        transfer.starved = true;
        starved.add(transfer);
    }

    /** A phase is over: the next one, or the end. */
    private void advance(Transfer transfer) {
        if (transfer.status != Status.OK) {
            finish(transfer);
            return;
        }
        switch (transfer.phase) {
            case DEALLOCATE, ZERO_FILL -> {
                if (transfer.unsupported) {
                    withoutMode(transfer);
                    issue(transfer);
                } else if (transfer.modifiesBlocks()) {
                    // Last, because only now it is certain that the request can be done.
                    transfer.range(Phase.EDGE_READ, 0, 1);
                    issue(transfer);
                } else {
                    syncOrFinish(transfer);
                }
            }
            case EDGE_READ -> {
                EdgeBlocks.merge(transfer, blockSizeBytes);
                if (transfer.request.operation == Operation.WRITE) {
                    startData(transfer);
                } else {
                    transfer.range(Phase.EDGE_WRITE, 0, 1);
                }
                issue(transfer);
            }
            case EDGE_WRITE, DATA -> syncOrFinish(transfer);
            case SYNC -> finish(transfer);
        }
    }

    /**
     * The descriptor can't do the mode just tried: remember that, and try the next best. If it is only busy, because a page
     * of the device's cache reaches over the range and beyond, to what its file system uses, this request does without.
     */
    private void withoutMode(Transfer transfer) {
        transfer.unsupported = false;
        if (!transfer.busy) {
            deallocation.unsupported(transfer.mode);
        }
        deallocation.start(transfer, blockSizeBytes);
    }

    private void syncOrFinish(Transfer transfer) {
        BlockRequest request = transfer.request;
        if (request.forceUnitAccess && request.operation.changesData()) {
            transfer.range(Phase.SYNC, 0, 1);
            issue(transfer);
        } else {
            finish(transfer);
        }
    }

    private void finish(Transfer transfer) {
        BlockRequest request = transfer.request;
        Status status = transfer.status;
        if (request.operation.changesData()) {
            order.finished(transfer);
        }
        free[freeCount++] = transfer;
        request.complete(status);
        startWaiting();
    }

    /** Frees the engine's memory. Nothing may be in work. */
    public void close() {
        assert fragments.idle();
        memory.close();
    }
}
