package org.vnd.export.nbd;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
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
    private final Answers answers;
    private final BlockDevice device;
    private final BlockStatus blockStatus;
    private final IncomingRequest request;

    private boolean structuredReplies;
    private Step step = Step.HEADER;
    private Outcome outcome = Outcome.SUCCESS;
    /** Of the request being decoded, where what hasn't been started begins. */
    private long offsetBytes;
    /** What hasn't been started, or hasn't been skipped. */
    private long remainingBytes;
    /** What its pieces have in common; null while it has only one. */
    private @Nullable Transfer transfer;
    /** The piece of a WRITE that is being filled, and how far. */
    private @Nullable Command filling;

    private int filledBytes;

    private boolean waiting;
    private boolean waitingForPiece;
    private boolean longPayload;
    private boolean disconnected;
    private String failure = "";

    Transmission(Staging staging, CommandPool pool, Share share, Answers answers, BlockDevice device) {
        this.staging = staging;
        this.pool = pool;
        this.share = share;
        this.answers = answers;
        this.device = device;
        this.request = new IncomingRequest(device);
        this.blockStatus = new BlockStatus(device);
    }

    /** Starts with what was negotiated. */
    void begin(boolean withStructuredReplies, boolean withAllocationContext) {
        assert filling == null && transfer == null;
        structuredReplies = withStructuredReplies;
        answers.begin(withStructuredReplies);
        request.begin(withStructuredReplies, withAllocationContext);
        step = Step.HEADER;
        waiting = false;
        waitingForPiece = false;
        longPayload = false;
        disconnected = false;
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
        return Objects.requireNonNull(filling).request.bufferAddress + filledBytes;
    }

    /** How much of it there is to come in this piece. */
    int payloadBytes() {
        return (int) Objects.requireNonNull(filling).request.lengthBytes - filledBytes;
    }

    /** {@code count} bytes have arrived at {@link #payloadAddress}. */
    void payloadReceived(int count) {
        assert count >= 0 && count <= payloadBytes();
        filledBytes += count;
    }

    /** How much to receive into staging. */
    int receiveLimitBytes() {
        return step == Step.HEADER && longPayload ? SHORT_RECEIVE_BYTES : Staging.SIZE_BYTES;
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
        answers.abandon();
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
    }

    /** After {@link #abandon}: nothing is being received any more, so its memory is free. */
    void abandonPayload() {
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
    private @Nullable Command takeCommand() {
        Command command = pool.take(share, answers);
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
        answers.answer(command);
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
            return putBackAndWait(command);
        }
        step = Step.HEADER;
        boolean one = request.flag(CommandFlags.REQUEST_ONE);
        command.dataAddress = pool.address() + command.runIndex;
        command.dataBytes = blockStatus.encode(
                pool.bytes(), command.runIndex, AlignedBuffer.PAGE_BYTES, offsetBytes, remainingBytes, one);
        command.outcome = Outcome.SUCCESS;
        answers.status(command);
        return true;
    }

    private boolean putBackAndWait(Command command) {
        pool.putBack(share, command);
        waiting = true;
        return false;
    }

    /**
     * A command with memory for the next piece of the request, as much as there is: a whole piece of the common memory, or
     * what fits into the connection's own. Null if there is none, and then it waits.
     */
    private @Nullable Command takePiece() {
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
                putBackAndWait(command);
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
        if (transfer != null && !structuredReplies && transfer.piecesInFlight > 0) {
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
            if (!structuredReplies && answers.streaming()) {
                pool.putBack(share, command);
                waitingForPiece = true;
                return false;
            }
            transfer = pool.takeTransfer();
            transfer.begin(false);
            if (!structuredReplies) {
                answers.stream(transfer);
            }
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
        Command command = Objects.requireNonNull(filling);
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
}
