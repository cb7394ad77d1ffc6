package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockDevice;
import org.vnd.mem.AlignedBuffer;

/**
 * One connection without its socket. Its owner receives where it says, sends what it says, and tells it what came of that;
 * everything between is decided here. A session is used for one client after the other.
 */
final class Session {
    /** Who moves a session's bytes. */
    interface Owner {
        /** A completion of the device has given the session something to send, or has ended it. */
        void attention();

        /** The client got no place, because all are taken. */
        void refused();
    }

    /** Headers of a message's replies, or the answer to an option. */
    private static final int OUT_BYTES = 8 << 10;

    /** Memory that a session needs. */
    static final int MEMORY_BYTES = Staging.SIZE_BYTES + OUT_BYTES + OutgoingMessage.SIZE_BYTES;

    private enum Phase {
        /** No client. */
        IDLE,
        NEGOTIATION,
        TRANSMISSION,
        /** No more requests; what is in work is answered. */
        CLOSING,
        /** Nothing goes to the client any more; what is in work comes back. */
        DROPPED
    }

    private final CommandPool pool;
    private final Owner owner;
    private final Share share = new Share();
    private final Staging staging;
    private final ByteBuffer out;
    private final long outAddress;
    private final OutgoingMessage message;
    private final Negotiation negotiation;
    private final ReplyQueue replies;
    private final Answers answers;
    private final Transmission transmission;

    private Phase phase = Phase.IDLE;
    /** Bytes are on their way to where {@link #receiveAddress} said. */
    private boolean receiving;

    private boolean receivingPayload;
    /** The kernel is sending {@link #message}. */
    private boolean sending;

    /** Bytes are taken, but nothing is made of them. */
    private boolean held;

    private boolean endOfStream;
    private String dropReason = "";

    /**
     * A session on {@code device}.
     *
     * @param memory {@link #MEMORY_BYTES} at least, its own
     * @param owner told what happens outside of its calls
     */
    Session(Export export, BlockDevice device, CommandPool pool, AlignedBuffer memory, Owner owner) {
        this.pool = pool;
        this.owner = owner;
        staging = new Staging(memory, 0);
        out = memory.bytes().slice(Staging.SIZE_BYTES, OUT_BYTES).order(ByteOrder.BIG_ENDIAN);
        outAddress = memory.address() + Staging.SIZE_BYTES;
        message = new OutgoingMessage(memory, Staging.SIZE_BYTES + OUT_BYTES);
        negotiation = new Negotiation(export, this::enter);
        replies = new ReplyQueue(pool, share);
        answers = new Answers(pool, share, replies, device, owner::attention);
        transmission = new Transmission(staging, pool, share, answers, device);
    }

    private boolean enter() {
        boolean entered = pool.enter(share);
        if (!entered) {
            owner.refused();
        }
        return entered;
    }

    /** A client has connected. */
    void begin() {
        begin(Phase.NEGOTIATION);
        negotiation.begin(out);
        addOut();
    }

    /** A client is there that knows what it would be told in the handshake: its requests come at once. Simple replies. */
    void beginAdopted() {
        begin(Phase.TRANSMISSION);
        pool.enterAdopted(share);
        transmission.begin(false, false);
    }

    private void begin(Phase first) {
        assert phase == Phase.IDLE && !receiving && !sending;
        phase = first;
        held = false;
        endOfStream = false;
        dropReason = "";
        staging.clear();
        message.clear();
        out.clear();
    }

    private void addOut() {
        if (out.position() > 0) {
            message.add(outAddress, out.position());
        }
    }

    boolean negotiating() {
        return phase == Phase.NEGOTIATION;
    }

    boolean dropped() {
        return phase == Phase.DROPPED;
    }

    /** Why the server hung up, or empty if it was the client's own wish. */
    String dropReason() {
        return dropReason;
    }

    /** Whether something must be returned to the pool before it can go on; then {@link #advance}. */
    boolean waiting() {
        return phase == Phase.TRANSMISSION && transmission.waiting();
    }

    /** Requests have come back from the disk since the last call. */
    void afterCompletions() {
        if ((phase == Phase.TRANSMISSION || phase == Phase.CLOSING)
                && !answers.failure().isEmpty()) {
            drop(answers.failure());
        } else if (phase == Phase.TRANSMISSION && transmission.waitingForPiece()) {
            advance();
        }
    }

    /** Whether a receive should be started, as {@link #startReceive} says. */
    boolean wantsBytes() {
        if (receiving || endOfStream || held) {
            return false;
        }
        return (phase == Phase.NEGOTIATION && message.isEmpty())
                || (phase == Phase.TRANSMISSION && transmission.wantsBytes());
    }

    /** A receive of up to {@link #receiveBytes} to {@link #receiveAddress} is being started. */
    void startReceive() {
        assert wantsBytes();
        receiving = true;
        receivingPayload = phase == Phase.TRANSMISSION && transmission.receivesPayload();
        if (!receivingPayload) {
            staging.compact();
        }
    }

    long receiveAddress() {
        return receivingPayload ? transmission.payloadAddress() : staging.receiveAddress();
    }

    int receiveBytes() {
        if (receivingPayload) {
            return transmission.payloadBytes();
        }
        return phase == Phase.TRANSMISSION
                ? Math.min(staging.room(), transmission.receiveLimitBytes())
                : staging.room();
    }

    /** Whether the receive should go on until all {@link #receiveBytes} are there. */
    boolean receivesAll() {
        return receivingPayload;
    }

    /** The receive has brought {@code count} bytes; 0 is the end of the stream. */
    void received(int count) {
        assert receiving;
        receiving = false;
        if (phase == Phase.DROPPED) {
            transmission.abandonPayload();
            return;
        }
        if (count == 0) {
            endOfStream = true;
        } else if (receivingPayload) {
            transmission.payloadReceived(count);
        } else {
            staging.received(count);
        }
        advance();
    }

    /** The receive has failed, and brought nothing. */
    void receiveFailed() {
        receiving = false;
        if (phase == Phase.DROPPED) {
            transmission.abandonPayload();
        }
    }

    boolean receiving() {
        return receiving;
    }

    /** Whether no request is to be started for the time being; after it, {@link #advance}. */
    void hold(boolean on) {
        held = on;
    }

    /** Goes on as far as bytes, slots and memory allow. */
    void advance() {
        if (phase == Phase.NEGOTIATION) {
            negotiate();
        }
        if (phase == Phase.TRANSMISSION && !held) {
            transmission.advance();
            if (!transmission.failure().isEmpty()) {
                drop(transmission.failure());
            } else if (transmission.disconnected()) {
                phase = Phase.CLOSING;
            } else if (endOfStream && transmission.wantsBytes()) {
                close("the client hung up in the middle of a request");
            }
        }
    }

    private void negotiate() {
        // One answer at a time: a client must wait for it, and one that doesn't read it must not make us write more.
        while (phase == Phase.NEGOTIATION && message.isEmpty()) {
            out.clear();
            switch (negotiation.step(staging, out)) {
                case INCOMPLETE:
                    if (endOfStream) {
                        drop("");
                    }
                    return;
                case REPLIED:
                    break;
                case TRANSMISSION:
                    phase = Phase.TRANSMISSION;
                    transmission.begin(negotiation.structuredReplies(), negotiation.allocationContext());
                    break;
                case GOODBYE:
                    phase = Phase.CLOSING;
                    break;
                default:
                    drop(negotiation.violation());
                    return;
            }
            addOut();
        }
    }

    /** Takes no more requests and ends when those in work are answered; in the middle of one, {@link #drop}s. */
    void close(String reason) {
        if (phase == Phase.TRANSMISSION && transmission.atBoundary()) {
            phase = Phase.CLOSING;
        } else if (phase != Phase.CLOSING) {
            drop(reason);
        }
    }

    /** The message to be sent now, or null. Stays the same until {@link #sent} has had all of it. */
    @Nullable
    OutgoingMessage message() {
        if (phase == Phase.DROPPED || phase == Phase.IDLE) {
            return null;
        }
        if (message.isEmpty()) {
            if (replies.isEmpty()) {
                return null;
            }
            out.clear();
            replies.gather(message, out, outAddress);
        }
        return message;
    }

    /** The kernel has been given the message, and will tell later how far it came. */
    void startSend() {
        sending = true;
    }

    boolean sending() {
        return sending;
    }

    /** {@code count} bytes of the message are sent. */
    void sent(long count) {
        sending = false;
        if (phase == Phase.DROPPED) {
            replies.messageDone();
            return;
        }
        message.sent(count);
        if (message.isEmpty()) {
            replies.messageDone();
            advance();
        }
    }

    /** Nothing is sent any more. The owner shuts the socket down, so that what is being received or sent comes back. */
    void drop(String reason) {
        if (phase == Phase.DROPPED || phase == Phase.IDLE) {
            return;
        }
        phase = Phase.DROPPED;
        dropReason = reason;
        replies.discard();
        if (!sending) {
            replies.messageDone();
        }
        transmission.abandon();
        if (!receiving) {
            transmission.abandonPayload();
        }
    }

    /** Whether nothing is in work or being sent: once nothing is {@link #receiving} either, the connection can {@link #end}. */
    boolean finished() {
        return !sending
                && share.commands == 0
                && ((phase == Phase.CLOSING && message.isEmpty()) || phase == Phase.DROPPED);
    }

    /** The connection is closed. */
    void end() {
        assert finished() && !receiving;
        pool.leave(share);
        phase = Phase.IDLE;
    }

    /** Whether the client is in the transmission phase, or was and its requests are still in work. */
    boolean hasPlace() {
        return share.hasPlace();
    }
}
