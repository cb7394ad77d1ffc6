package org.vnd.export.nbd;

import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockRequest;
import org.vnd.block.Completion;
import org.vnd.mem.BufferPool;

/** A slot: one request of a client, or one piece of a long one, from its header to its reply. */
final class Command implements Completion {
    /** What its reply looks like. */
    enum ReplyForm {
        /** A simple reply, and the data of a READ. */
        SIMPLE,
        /** Only data: a further piece of a READ whose simple reply has begun. */
        CONTINUATION,
        /** A chunk of data. */
        DATA_CHUNK,
        /** A chunk of nothing, the last one: a READ of nothing. */
        EMPTY_CHUNK,
        /** An error, the last chunk. */
        ERROR_CHUNK,
        /** The extents that are in the run, the only chunk. */
        STATUS_CHUNK
    }

    /** What the disk is asked. */
    final BlockRequest request;

    /** The connection it belongs to while it is taken. */
    @SuppressWarnings("NullAway.Init") // set when it is taken
    Answers owner;
    /** The client's name for the request, given back as it came. */
    long cookie;
    /** One of {@link org.vnd.export.nbd.wire.CommandType}. */
    int type;
    /** How it ended. */
    Outcome outcome = Outcome.SUCCESS;
    /** What it is a piece of, or null. */
    @Nullable
    Transfer transfer;

    /** Its memory in the pool's arena, or {@link BufferPool#NONE}. */
    int runIndex = BufferPool.NONE;

    int runBytes;
    /** Whether the run is the one that its connection has for itself. */
    boolean runIsReserve;

    ReplyForm replyForm = ReplyForm.SIMPLE;
    /** DATA_CHUNK: no chunk of the reply follows. */
    boolean lastChunk;
    /** The reply's data, if {@link #dataBytes} > 0. */
    long dataAddress;

    int dataBytes;

    /** Links commands in a {@link CommandQueue}. */
    @Nullable
    Command next;

    Command(int slot) {
        request = new BlockRequest(slot, this);
    }

    @Override
    public void completed(BlockRequest done) {
        owner.completed(this);
    }
}
