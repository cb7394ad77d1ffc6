package org.vnd.export.nbd;

import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.export.nbd.wire.CommandType;

/** Turns what the disk has done for one connection into replies. */
final class Answers {
    private final CommandPool pool;
    private final Share share;
    private final ReplyQueue replies;
    private final BlockDevice device;
    private final Runnable attention;

    private boolean structuredReplies;
    private boolean abandoned;
    /** READ in pieces under one simple reply, of which there is one at a time; null if none. */
    private @Nullable Transfer streamed;

    private String failure = "";

    /**
     * @param attention called when a reply is ready, or a command has ended without one
     */
    Answers(CommandPool pool, Share share, ReplyQueue replies, BlockDevice device, Runnable attention) {
        this.pool = pool;
        this.share = share;
        this.replies = replies;
        this.device = device;
        this.attention = attention;
    }

    /** Starts with what was negotiated. */
    void begin(boolean withStructuredReplies) {
        structuredReplies = withStructuredReplies;
        abandoned = false;
        streamed = null;
        failure = "";
    }

    /** Why the connection can't be answered any more, or empty. */
    String failure() {
        return failure;
    }

    /** From now on what the disk still does is thrown away when it completes. */
    void abandon() {
        abandoned = true;
        streamed = null;
    }

    /** Whether a READ is being answered, piece by piece, under one header. */
    boolean streaming() {
        return streamed != null;
    }

    /** {@code transfer} is a READ to be answered so; no other is. */
    void stream(Transfer transfer) {
        assert !structuredReplies && streamed == null;
        streamed = transfer;
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
    void answer(Command command) {
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

    /** Queues the extents that are in the command's run as the reply. */
    void status(Command command) {
        command.outcome = Outcome.SUCCESS;
        command.replyForm = Command.ReplyForm.STATUS_CHUNK;
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
