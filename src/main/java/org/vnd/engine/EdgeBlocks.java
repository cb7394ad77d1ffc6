package org.vnd.engine;

import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.sys.MemoryCalls;

/** Puts together the blocks of which a request changes only a part, once their old content has been read. */
final class EdgeBlocks {
    private EdgeBlocks() {}

    /**
     * WRITE: completes the request's buffer around the data with old content, so that whole blocks can be written from it.
     * WRITE_ZEROES: zeroes the request's part of the blocks that were read.
     */
    static void merge(Transfer transfer, int blockSizeBytes) {
        if (transfer.request.operation == Operation.WRITE) {
            completeBuffer(transfer, blockSizeBytes);
        } else {
            zeroEdges(transfer, blockSizeBytes);
        }
    }

    private static void completeBuffer(Transfer transfer, int blockSizeBytes) {
        BlockRequest request = transfer.request;
        long before = request.offsetBytes - transfer.blocksStart;
        long after = transfer.blocksEnd - request.endBytes();
        assert before >= 0 && before < blockSizeBytes && after >= 0 && after < blockSizeBytes;
        if (transfer.partialHead) {
            MemoryCalls.copy(request.bufferAddress - before, transfer.headAddress, before);
        }
        boolean oneBlock = transfer.blocksEnd - transfer.blocksStart == blockSizeBytes;
        long last = oneBlock ? transfer.headAddress : transfer.tailAddress;
        if (oneBlock || transfer.partialTail) {
            long keep = blockSizeBytes - after;
            MemoryCalls.copy(request.bufferAddress + request.lengthBytes, last + keep, after);
        }
    }

    private static void zeroEdges(Transfer transfer, int blockSizeBytes) {
        BlockRequest request = transfer.request;
        if (transfer.partialHead) {
            long from = request.offsetBytes - transfer.blocksStart;
            long to = Math.min(blockSizeBytes, request.endBytes() - transfer.blocksStart);
            MemoryCalls.zero(transfer.headAddress + from, to - from);
        }
        if (transfer.partialTail) {
            MemoryCalls.zero(transfer.tailAddress, request.endBytes() - (transfer.blocksEnd - blockSizeBytes));
        }
    }
}
