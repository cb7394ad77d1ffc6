package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import org.vnd.export.nbd.wire.ChunkType;
import org.vnd.export.nbd.wire.ErrorPayload;
import org.vnd.export.nbd.wire.Magic;
import org.vnd.export.nbd.wire.OffsetData;
import org.vnd.export.nbd.wire.ReplyChunk;
import org.vnd.export.nbd.wire.SimpleReply;

/** The replies of one connection on their way out. */
final class ReplyQueue {
    /** The longest header of a reply. */
    static final int HEADER_LIMIT_BYTES =
            ReplyChunk.SIZE_BYTES + ErrorPayload.SIZE_BYTES + Outcome.longestMessageBytes();

    private final CommandPool pool;
    private final Share share;
    private final SimpleReply simple = new SimpleReply();
    private final ReplyChunk chunk = new ReplyChunk();
    private final OffsetData offsetData = new OffsetData();
    private final ErrorPayload error = new ErrorPayload();

    /** Complete and not in a message. */
    private final CommandQueue ready = new CommandQueue();
    /** Complete, but to be sent after the READ whose data is going out in pieces under one header. */
    private final CommandQueue held = new CommandQueue();
    /** In the message that is being sent, holding its data. */
    private final CommandQueue sending = new CommandQueue();

    private boolean holding;

    ReplyQueue(CommandPool pool, Share share) {
        this.pool = pool;
        this.share = share;
    }

    boolean isEmpty() {
        return ready.isEmpty();
    }

    /** Appends the reply of {@code command}. */
    void add(Command command) {
        if (holding) {
            held.add(command);
        } else {
            ready.add(command);
        }
    }

    /** Appends a piece of a READ that needs more than one under one header: no other reply may come between. */
    void addPiece(Command command, boolean last) {
        ready.add(command);
        holding = !last;
        if (last) {
            ready.addAll(held);
        }
    }

    /** Puts replies into {@code message}, as many as fit, with their headers at {@code out}'s position. */
    void gather(OutgoingMessage message, ByteBuffer out, long outAddress) {
        while (message.hasRoom() && out.remaining() >= HEADER_LIMIT_BYTES) {
            Command command = ready.poll();
            if (command == null) {
                return;
            }
            int start = out.position();
            int length = encodeHeader(command, out, start);
            if (length > 0) {
                message.add(outAddress + start, length);
                out.position(start + length);
            }
            if (command.dataBytes > 0) {
                message.add(command.dataAddress, command.dataBytes);
                sending.add(command);
            } else {
                pool.giveBack(share, command);
            }
        }
    }

    /** The message is sent, or will never be: what it held is free. */
    void messageDone() {
        giveBackAll(sending);
    }

    /** Throws away what isn't in a message. */
    void discard() {
        giveBackAll(ready);
        giveBackAll(held);
        holding = false;
    }

    private void giveBackAll(CommandQueue queue) {
        for (Command command = queue.poll(); command != null; command = queue.poll()) {
            pool.giveBack(share, command);
        }
    }

    private int encodeHeader(Command command, ByteBuffer out, int at) {
        switch (command.replyForm) {
            case SIMPLE:
                simple.wrap(out, at)
                        .magic(Magic.SIMPLE_REPLY)
                        .error(command.outcome.errorValue())
                        .cookie(command.cookie);
                return SimpleReply.SIZE_BYTES;
            case CONTINUATION:
                return 0;
            case DATA_CHUNK:
                encodeChunk(command, out, at, ChunkType.OFFSET_DATA, OffsetData.SIZE_BYTES + command.dataBytes);
                offsetData.wrap(out, at + ReplyChunk.SIZE_BYTES).offsetBytes(command.request.offsetBytes);
                return ReplyChunk.SIZE_BYTES + OffsetData.SIZE_BYTES;
            case STATUS_CHUNK:
                encodeChunk(command, out, at, ChunkType.BLOCK_STATUS, command.dataBytes);
                return ReplyChunk.SIZE_BYTES;
            case EMPTY_CHUNK:
                encodeChunk(command, out, at, ChunkType.NONE, 0);
                return ReplyChunk.SIZE_BYTES;
            default:
                return encodeError(command, out, at);
        }
    }

    private int encodeError(Command command, ByteBuffer out, int at) {
        Outcome outcome = command.outcome;
        int payloadBytes = ErrorPayload.SIZE_BYTES + outcome.messageBytes();
        encodeChunk(command, out, at, ChunkType.ERROR, payloadBytes);
        error.wrap(out, at + ReplyChunk.SIZE_BYTES)
                .error(outcome.errorValue())
                .messageLengthBytes(outcome.messageBytes());
        outcome.putMessage(out, at + ReplyChunk.SIZE_BYTES + ErrorPayload.SIZE_BYTES);
        return ReplyChunk.SIZE_BYTES + payloadBytes;
    }

    private void encodeChunk(Command command, ByteBuffer out, int at, int type, int payloadBytes) {
        boolean last = type != ChunkType.OFFSET_DATA || command.lastChunk;
        chunk.wrap(out, at)
                .magic(Magic.STRUCTURED_REPLY)
                .flags(last ? ChunkType.FLAG_DONE : 0)
                .type(type)
                .cookie(command.cookie)
                .lengthBytes(payloadBytes);
    }
}
