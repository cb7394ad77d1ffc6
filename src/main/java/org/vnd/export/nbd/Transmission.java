package org.vnd.export.nbd;

import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.export.nbd.wire.CommandFlags;
import org.vnd.export.nbd.wire.CommandType;
import org.vnd.export.nbd.wire.RequestHeader;
import org.vnd.mem.AlignedBuffer;

/**
 * Requests of one connection, after the handshake: decodes them from staging, sends them to the disk, and gives their
 * replies to the {@link ReplyQueue}.
 *
 * <p>A request is decoded step by step, and waits in its step for bytes or for a slot or memory. What comes after it waits
 * in staging, and then in the socket: that is how a client that asks too much is slowed down. READ and WRITE longer than a
 * piece go to the disk in pieces.
 */
final class Transmission {
    private enum Step {
        /** Waits for a request's header. */
        HEADER,
        /** Skips the payload of a WRITE that is refused. */
        SKIP_PAYLOAD,
        /** Answers without asking the disk. */
        ANSWER,
        /** Starts the next piece of a READ. */
        READ_PIECE,
        /** Finds memory for the next piece of a WRITE. */
        WRITE_PIECE,
        /** Fills that memory with payload. */
        PAYLOAD,
        /** Starts a request that has no data. */
        SUBMIT,
        /** Answers BLOCK_STATUS. */
        STATUS
    }

    /** Payload that is still to come is received straight into its run from this size on: copying less costs less. */
    private static final int DIRECT_BYTES = 16 << 10;

    /** What is received into staging after a long WRITE: the next one's header, and little of its payload. */
    private static final int SHORT_RECEIVE_BYTES = 512;

    private final Staging staging;
    private final CommandPool pool;
    private final Share share;
    private final ReplyQueue replies;
    private final BlockDevice device;
    private final BlockStatus blockStatus;
    private final Runnable attention;
    private final IncomingRequest request;

    private boolean structuredReplies;
    private Step step = Step.HEADER;
    private Outcome outcome = Outcome.SUCCESS;
    /** Of the request being decoded, where what hasn't been started begins. */
    private long offsetBytes;
    /** What hasn't been started, or hasn't been skipped. */
    private long remainingBytes;
    /** What its pieces have in common; null while it has only one. */
    private Transfer transfer;
    /** The piece of a WRITE that is being filled, and how far. */
    private Command filling;

    private int filledBytes;
    /** READ in pieces under one simple reply, of which there is one at a time; null if none. */
    private Transfer streamed;

    private boolean waiting;
    private boolean waitingForPiece;
    private boolean longPayload;
    private boolean disconnected;
    private boolean abandoned;
    private String failure = "";

    /**
     * @param attention called when a reply is ready, or a command has ended otherwise
     */
    Transmission(
            Staging staging, CommandPool pool, Share share, ReplyQueue replies, BlockDevice device, Runnable attention) {
        this.staging = staging;
        this.pool = pool;
        this.share = share;
        this.replies = replies;
        this.device = device;
        this.request = new IncomingRequest(device);
        this.blockStatus = new BlockStatus(device);
        this.attention = attention;
    }

    /** Starts with what was negotiated. */
    void begin(boolean withStructuredReplies, boolean withAllocationContext) {
        assert filling == null && transfer == null && streamed == null;
        structuredReplies = withStructuredReplies;
        request.begin(withStructuredReplies, withAllocationContext);
        step = Step.HEADER;
        waiting = false;
        waitingForPiece = false;
        longPayload = false;
        disconnected = false;
        abandoned = false;
        failure = "";
    }

    /** Whether it waits for a slot or memory. */
    boolean waiting() {
        return waiting;
    }

    /** Whether it waits for a piece of the request at the disk. */
    boolean waitingForPiece() {
        return waitingForPiece;
    }

    /** Whether nothing but more bytes makes it go on. */
    boolean wantsBytes() {
        return !waiting && !waitingForPiece;
    }

    /** Whether the client has said goodbye. */
    boolean disconnected() {
        return disconnected;
    }

    /** Why the connection is of no more use, or empty. */
    String failure() {
        return failure;
    }

    /** Whether the next bytes go to {@link #payloadAddress} rather than to staging. */
    boolean receivesPayload() {
        return step == Step.PAYLOAD && payloadBytes() >= DIRECT_BYTES;
    }

    /** Where the payload goes on. */
    long payloadAddress() {
        return filling.request.bufferAddress + filledBytes;
    }

    /** How much of it there is to come in this piece. */
    int payloadBytes() {
        return (int) filling.request.lengthBytes - filledBytes;
    }

    /** {@code count} bytes have arrived at {@link #payloadAddress}. */
    void payloadReceived(int count) {
        assert count >= 0 && count <= payloadBytes();
        filledBytes += count;
    }

    /** How much to receive into staging. */
    int receiveLimitBytes() {
        return longPayload ? SHORT_RECEIVE_BYTES : Staging.SIZE_BYTES;
    }

    /** Decodes and starts what can be. */
    void advance() {
        waiting = false;
        waitingForPiece = false;
        boolean progress = true;
        while (progress && !disconnected && failure.isEmpty()) {
            progress = advanceStep();
        }
    }

    /** Whether it is between two requests. */
    boolean atBoundary() {
        return step == Step.HEADER && staging.available() == 0;
    }

    /** Throws away what the disk still does when it completes. */
    void abandon() {
        abandoned = true;
        waiting = false;
        waitingForPiece = false;
        step = Step.HEADER;
        if (transfer != null) {
            transfer.allSubmitted = true;
            if (transfer.piecesInFlight == 0) {
                pool.giveBack(transfer);
            }
            transfer = null;
        }
        streamed = null;
    }

    /** After {@link #abandon}: nothing is being received any more, so its memory is free. */
    void abandonPayload() {
        assert abandoned;
        if (filling != null) {
            pool.giveBack(share, filling);
            filling = null;
        }
    }

    private boolean advanceStep() {
        switch (step) {
            case HEADER:
                return staging.available() >= RequestHeader.SIZE_BYTES && decodeHeader();
            case SKIP_PAYLOAD:
                return skipPayload();
            case ANSWER:
                return answerDirectly();
            case READ_PIECE:
                return startReadPiece();
            case WRITE_PIECE:
                return startWritePiece();
            case PAYLOAD:
                return fillPiece();
            case SUBMIT:
                return submitWithoutData();
            default:
                return answerStatus();
        }
    }

    private boolean decodeHeader() {
        if (!request.decode(staging)) {
            failure = "a request without its magic number";
            return false;
        }
        if (request.type == CommandType.DISCONNECT) {
            disconnected = true;
            return false;
        }
        outcome = request.judge();
        offsetBytes = request.offsetBytes;
        remainingBytes = request.lengthBytes;
        if (request.type == CommandType.WRITE) {
            longPayload = remainingBytes >= DIRECT_BYTES;
        }
        step = firstStep();
        return true;
    }

    private Step firstStep() {
        if (outcome != Outcome.SUCCESS) {
            return request.type == CommandType.WRITE ? Step.SKIP_PAYLOAD : Step.ANSWER;
        }
        if (remainingBytes == 0 && request.operation.hasRange()) {
            // Nothing to do: proto.md leaves the answer to the server, if only it doesn't hang up.
            return Step.ANSWER;
        }
        switch (request.type) {
            case CommandType.READ:
                return Step.READ_PIECE;
            case CommandType.WRITE:
                return Step.WRITE_PIECE;
            case CommandType.BLOCK_STATUS:
                return Step.STATUS;
            default:
                return Step.SUBMIT;
        }
    }

    private boolean skipPayload() {
        int taken = (int) Math.min(remainingBytes, staging.available());
        staging.take(taken);
        remainingBytes -= taken;
        if (remainingBytes > 0) {
            return false;
        }
        step = Step.ANSWER;
        return true;
    }

    /** A command for the request, or null, and then it waits. */
    private Command takeCommand() {
        Command command = pool.take(share, this);
        if (command == null) {
            waiting = true;
            return null;
        }
        command.cookie = request.cookie;
        command.type = request.type;
        return command;
    }

    private boolean answerDirectly() {
        Command command = takeCommand();
        if (command == null) {
            return false;
        }
        step = Step.HEADER;
        command.outcome = outcome;
        answer(command);
        return true;
    }

    private boolean submitWithoutData() {
        Command command = takeCommand();
        if (command == null) {
            return false;
        }
        step = Step.HEADER;
        BlockRequest order = fill(command.request, remainingBytes);
        order.forceUnitAccess = request.forceUnitAccess();
        order.keepAllocated = request.flag(CommandFlags.NO_HOLE);
        order.onlyIfFast = request.flag(CommandFlags.FAST_ZERO);
        device.submit(order);
        return true;
    }

    private BlockRequest fill(BlockRequest order, long lengthBytes) {
        order.operation = request.operation;
        order.offsetBytes = offsetBytes;
        order.lengthBytes = lengthBytes;
        order.forceUnitAccess = false;
        order.keepAllocated = false;
        order.onlyIfFast = false;
        return order;
    }

    private boolean answerStatus() {
        Command command = takeCommand();
        if (command == null) {
            return false;
        }
        if (!pool.takeRun(share, command, AlignedBuffer.PAGE_BYTES) && !pool.takeReserve(share, command)) {
            return giveBackAndWait(command);
        }
        step = Step.HEADER;
        boolean one = request.flag(CommandFlags.REQUEST_ONE);
        command.dataAddress = pool.address() + command.runIndex;
        command.dataBytes = blockStatus.encode(
                pool.bytes(), command.runIndex, AlignedBuffer.PAGE_BYTES, offsetBytes, remainingBytes, one);
        command.outcome = Outcome.SUCCESS;
        command.replyForm = Command.ReplyForm.STATUS_CHUNK;
        replies.add(command);
        attention.run();
        return true;
    }

    private boolean giveBackAndWait(Command command) {
        pool.giveBack(share, command);
        waiting = true;
        return false;
    }

    /**
     * A command with memory for the next piece of the request, as much as there is: a whole piece of the common memory, or
     * what fits into the connection's own. Null if there is none, and then it waits.
     */
    private Command takePiece() {
        Command command = takeCommand();
        if (command == null) {
            return null;
        }
        int blockMask = device.blockSizeBytes() - 1;
        int before = (int) (offsetBytes & blockMask);
        long wholeRun = before + remainingBytes + blockMask & ~(long) blockMask;
        int runBytes = wholeRun <= CommandPool.LONGEST_RUN_BYTES ? (int) wholeRun : CommandPool.PIECE_BYTES;
        if (!pool.takeRun(share, command, runBytes)) {
            if (!pool.takeReserve(share, command)) {
                giveBackAndWait(command);
                return null;
            }
            runBytes = Math.min(runBytes, CommandPool.RESERVE_BYTES);
        }
        BlockRequest order = fill(command.request, Math.min(remainingBytes, runBytes - before));
        // The data keeps the disk's alignment, with the rest of its first and last block around it; see BlockRequest.
        order.bufferAddress = pool.address() + command.runIndex + before;
        return command;
    }

    private boolean startReadPiece() {
        if (transfer != null && transfer == streamed && transfer.piecesInFlight > 0) {
            // Under one simple reply the pieces must go out in order, so they are read one after the other.
            waitingForPiece = true;
            return false;
        }
        if (transfer != null && !structuredReplies && transfer.outcome != Outcome.SUCCESS) {
            // Its first piece failed and was the answer.
            pool.giveBack(transfer);
            transfer = null;
            step = Step.HEADER;
            return true;
        }
        Command command = takePiece();
        if (command == null) {
            return false;
        }
        if (transfer == null && command.request.lengthBytes < remainingBytes) {
            if (streamed != null) {
                pool.giveBack(share, command);
                waitingForPiece = true;
                return false;
            }
            transfer = pool.takeTransfer();
            transfer.begin(false);
            streamed = structuredReplies ? null : transfer;
        }
        command.dataAddress = command.request.bufferAddress;
        command.dataBytes = (int) command.request.lengthBytes;
        submitPiece(command, Step.READ_PIECE);
        return true;
    }

    private boolean startWritePiece() {
        Command command = takePiece();
        if (command == null) {
            return false;
        }
        boolean whole = transfer == null && command.request.lengthBytes == remainingBytes;
        if (transfer == null && !whole) {
            transfer = pool.takeTransfer();
            transfer.begin(request.forceUnitAccess());
        }
        command.request.forceUnitAccess = whole && request.forceUnitAccess();
        filling = command;
        filledBytes = 0;
        step = Step.PAYLOAD;
        return true;
    }

    private boolean fillPiece() {
        int count = Math.min(payloadBytes(), staging.available());
        if (count > 0) {
            int index = (int) (payloadAddress() - pool.address());
            pool.bytes().put(index, staging.bytes(), staging.head(), count);
            staging.take(count);
            filledBytes += count;
        }
        if (payloadBytes() > 0) {
            return false;
        }
        Command command = filling;
        filling = null;
        submitPiece(command, Step.WRITE_PIECE);
        return true;
    }

    /** Submits a piece and goes on with {@code nextStep}, or, if it was the last, with the next request. */
    private void submitPiece(Command command, Step nextStep) {
        long length = command.request.lengthBytes;
        offsetBytes += length;
        remainingBytes -= length;
        step = remainingBytes > 0 ? nextStep : Step.HEADER;
        command.transfer = transfer;
        if (transfer != null) {
            transfer.piecesInFlight++;
            if (remainingBytes == 0) {
                transfer.allSubmitted = true;
                transfer = null;
            }
        }
        device.submit(command.request);
    }

    /** The disk is done with {@code command}. */
    void completed(Command command) {
        BlockRequest order = command.request;
        Outcome result = Outcome.of(order.status, order.operation == Operation.WRITE_ZEROES && order.onlyIfFast);
        if (command.type != CommandType.READ || result != Outcome.SUCCESS) {
            pool.releaseRun(share, command);
        }
        Transfer whole = command.transfer;
        if (abandoned) {
            if (whole != null && whole.pieceDone(result)) {
                pool.giveBack(whole);
            }
            pool.giveBack(share, command);
        } else if (whole == null) {
            command.outcome = result;
            answer(command);
        } else if (command.type == CommandType.WRITE) {
            writePieceDone(command, whole, result);
        } else if (structuredReplies) {
            chunkDone(command, whole, result);
        } else {
            streamedPieceDone(command, whole, result);
        }
        attention.run();
    }

    /** Queues the only, or the last, reply to a request, as its outcome says. */
    private void answer(Command command) {
        boolean failed = command.outcome != Outcome.SUCCESS;
        if (failed) {
            command.dataBytes = 0;
        }
        command.lastChunk = true;
        if (!structuredReplies) {
            command.replyForm = Command.ReplyForm.SIMPLE;
        } else if (failed) {
            command.replyForm = Command.ReplyForm.ERROR_CHUNK;
        } else if (command.type != CommandType.READ) {
            // What has no payload may have a simple reply, which is shorter: proto.md, "Simple reply message".
            command.replyForm = Command.ReplyForm.SIMPLE;
        } else if (command.dataBytes > 0) {
            command.replyForm = Command.ReplyForm.DATA_CHUNK;
        } else {
            command.replyForm = Command.ReplyForm.EMPTY_CHUNK;
        }
        replies.add(command);
        attention.run();
    }

    private void writePieceDone(Command command, Transfer whole, Outcome result) {
        if (!whole.pieceDone(result)) {
            pool.giveBack(share, command);
            return;
        }
        command.transfer = null;
        command.outcome = whole.outcome;
        boolean flush = whole.forceUnitAccess && whole.outcome == Outcome.SUCCESS;
        pool.giveBack(whole);
        if (flush) {
            // One flush for all pieces; it comes back here as a request that is no piece of anything.
            command.request.operation = Operation.FLUSH;
            device.submit(command.request);
        } else {
            answer(command);
        }
    }

    private void chunkDone(Command command, Transfer whole, Outcome result) {
        boolean last = whole.pieceDone(result);
        if (whole.outcome == Outcome.SUCCESS) {
            command.replyForm = Command.ReplyForm.DATA_CHUNK;
            command.lastChunk = last;
            replies.add(command);
        } else if (last) {
            pool.releaseRun(share, command);
            command.outcome = whole.outcome;
            answer(command);
        } else {
            pool.giveBack(share, command);
        }
        if (last) {
            pool.giveBack(whole);
        }
    }

    private void streamedPieceDone(Command command, Transfer whole, Outcome result) {
        boolean last = whole.pieceDone(result);
        if (result == Outcome.SUCCESS) {
            command.outcome = result;
            command.replyForm = whole.answering ? Command.ReplyForm.CONTINUATION : Command.ReplyForm.SIMPLE;
            whole.answering = true;
            replies.addPiece(command, last);
        } else if (whole.answering) {
            // The header said success: only hanging up tells the client otherwise. proto.md, NBD_CMD_READ.
            failure = "a READ failed when its answer had begun";
            pool.giveBack(share, command);
        } else {
            assert !last : "the first of several";
            streamed = null;
            command.outcome = result;
            answer(command);
        }
        if (last) {
            streamed = null;
            pool.giveBack(whole);
        }
    }
}
