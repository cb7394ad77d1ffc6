package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vnd.export.nbd.wire.Greeting;
import org.vnd.export.nbd.wire.HandshakeFlags;
import org.vnd.export.nbd.wire.InfoType;
import org.vnd.export.nbd.wire.Limits;
import org.vnd.export.nbd.wire.Magic;
import org.vnd.export.nbd.wire.OptionHeader;
import org.vnd.export.nbd.wire.OptionReplyType;
import org.vnd.export.nbd.wire.OptionType;

/**
 * The handshake of one connection, from the greeting to the transmission phase; proto.md, "Fixed newstyle negotiation".
 *
 * <p>TLS isn't offered (NOTLS mode), nor extended headers. What is malformed is answered with an error and skipped; the
 * connection is given up only where the protocol has no answer.
 */
final class Negotiation {
    /** What a step came to. */
    enum Result {
        /** More bytes are needed. */
        INCOMPLETE,
        /** A reply was written; go on when it is sent. */
        REPLIED,
        /** The last reply was written; requests follow. */
        TRANSMISSION,
        /** The last reply was written; nothing follows. */
        GOODBYE,
        /** The client broke the protocol, or nothing can be answered: {@link #violation} says what. */
        VIOLATION
    }

    /** Room that the replies to one option need at most. */
    static final int REPLY_LIMIT_BYTES = 4096;

    /** An option's data that is looked at: names of 4096 bytes, and a few more; more is skipped, ERR_TOO_BIG. */
    static final int DATA_LIMIT_BYTES = 16 << 10;

    private static final int CLIENT_FLAGS_BYTES = 4;

    private final Export export;
    private final BooleanSupplier admission;
    private final OptionHeader header = new OptionHeader();
    private final OptionReplies replies;

    private boolean flagsReceived;
    private boolean padding;
    private boolean structuredReplies;
    private boolean allocationContext;
    private String violation = "";

    private boolean skipping;
    /** Of the option whose data is being skipped: its type, what is left, and the answer. */
    private int skippedOption;

    private long skipBytes;
    private int skipReply;
    private String skipMessage = "";

    /** Negotiates for {@code export}; {@code admission} is asked for a place before the transmission phase. */
    Negotiation(Export export, BooleanSupplier admission) {
        this.export = export;
        this.admission = admission;
        this.replies = new OptionReplies(export);
    }

    /** Starts anew; writes the greeting. */
    void begin(ByteBuffer out) {
        flagsReceived = false;
        padding = true;
        structuredReplies = false;
        allocationContext = false;
        violation = "";
        skipping = false;
        new Greeting()
                .wrap(out, out.position())
                .magic(Magic.GREETING)
                .optionMagic(Magic.OPTION)
                .flags(HandshakeFlags.FIXED_NEWSTYLE | HandshakeFlags.NO_ZEROES);
        out.position(out.position() + Greeting.SIZE_BYTES);
    }

    boolean structuredReplies() {
        return structuredReplies;
    }

    /** Whether base:allocation was selected. */
    boolean allocationContext() {
        return allocationContext;
    }

    /** Why it ended with {@link Result#VIOLATION}. */
    String violation() {
        return violation;
    }

    /** Takes at most one option from {@code in} and writes the answer to {@code out}. */
    Result step(Staging in, ByteBuffer out) {
        if (!flagsReceived) {
            return in.available() < CLIENT_FLAGS_BYTES ? Result.INCOMPLETE : clientFlags(in, out);
        }
        if (skipping) {
            return skip(in, out);
        }
        if (in.available() < OptionHeader.SIZE_BYTES) {
            return Result.INCOMPLETE;
        }
        header.wrap(in.bytes(), in.head());
        if (header.magic() != Magic.OPTION) {
            return violation("an option without its magic number");
        }
        int option = header.type();
        long length = header.lengthBytes();
        if (!known(option)) {
            return startSkip(in, out, OptionReplyType.UNSUPPORTED, "this server has no such option");
        }
        if (option == OptionType.ABORT) {
            return startSkip(in, out, OptionReplyType.ACK, "");
        }
        if (length > DATA_LIMIT_BYTES) {
            return option == OptionType.EXPORT_NAME
                    ? violation("an export name of " + length + " bytes")
                    : startSkip(in, out, OptionReplyType.TOO_BIG, "so long an option is not for this server");
        }
        if (in.available() < OptionHeader.SIZE_BYTES + length) {
            return Result.INCOMPLETE;
        }
        ByteBuffer data = in.bytes().slice(in.head() + OptionHeader.SIZE_BYTES, (int) length);
        Result result = answer(option, data, out);
        in.take(OptionHeader.SIZE_BYTES + (int) length);
        return result;
    }

    private Result clientFlags(Staging in, ByteBuffer out) {
        int flags = in.bytes().getInt(in.head());
        in.take(CLIENT_FLAGS_BYTES);
        // FIXED_NEWSTYLE may be missing: proto.md lets a server honour options all the same.
        if ((flags & ~(HandshakeFlags.FIXED_NEWSTYLE | HandshakeFlags.NO_ZEROES)) != 0) {
            return violation("unknown client flags");
        }
        padding = (flags & HandshakeFlags.NO_ZEROES) == 0;
        flagsReceived = true;
        return step(in, out);
    }

    private static boolean known(int option) {
        switch (option) {
            case OptionType.EXPORT_NAME:
            case OptionType.ABORT:
            case OptionType.LIST:
            case OptionType.INFO:
            case OptionType.GO:
            case OptionType.STRUCTURED_REPLY:
            case OptionType.LIST_META_CONTEXT:
            case OptionType.SET_META_CONTEXT:
                return true;
            default:
                return false;
        }
    }

    /** Answers with {@code replyType} once the option's data, of whatever length, has gone by. */
    private Result startSkip(Staging in, ByteBuffer out, int replyType, String message) {
        skippedOption = header.type();
        skipBytes = header.lengthBytes();
        skipReply = replyType;
        skipMessage = message;
        if (skippedOption == OptionType.STARTTLS && skipBytes > 0) {
            skipReply = OptionReplyType.INVALID;
            skipMessage = "the option has no data";
        }
        if (skippedOption == OptionType.SET_META_CONTEXT) {
            allocationContext = false;
        }
        in.take(OptionHeader.SIZE_BYTES);
        skipping = true;
        return skip(in, out);
    }

    private Result skip(Staging in, ByteBuffer out) {
        int taken = (int) Math.min(skipBytes, in.available());
        in.take(taken);
        skipBytes -= taken;
        if (skipBytes > 0) {
            return Result.INCOMPLETE;
        }
        skipping = false;
        replies.reply(out, skippedOption, skipReply, skipMessage);
        return skippedOption == OptionType.ABORT ? Result.GOODBYE : Result.REPLIED;
    }

    private Result violation(String what) {
        violation = what;
        return Result.VIOLATION;
    }

    private Result answer(int option, ByteBuffer data, ByteBuffer out) {
        switch (option) {
            case OptionType.EXPORT_NAME:
                return exportName(data, out);
            case OptionType.LIST:
                if (data.hasRemaining()) {
                    return refuse(out, option, OptionReplyType.INVALID, "the option has no data");
                }
                replies.server(out);
                replies.reply(out, option, OptionReplyType.ACK, "");
                return Result.REPLIED;
            case OptionType.STRUCTURED_REPLY:
                if (data.hasRemaining()) {
                    return refuse(out, option, OptionReplyType.INVALID, "the option has no data");
                }
                structuredReplies = true;
                replies.reply(out, option, OptionReplyType.ACK, "");
                return Result.REPLIED;
            case OptionType.LIST_META_CONTEXT:
            case OptionType.SET_META_CONTEXT:
                return metaContext(option, data, out);
            default:
                return info(option, data, out);
        }
    }

    private Result refuse(ByteBuffer out, int option, int replyType, String message) {
        replies.reply(out, option, replyType, message);
        return Result.REPLIED;
    }

    private Result exportName(ByteBuffer name, ByteBuffer out) {
        if (!export.isNamed(name)) {
            return violation("a name that isn't this disk's");
        }
        if (!admission.getAsBoolean()) {
            return violation("all connections are in use");
        }
        replies.exportName(out, structuredReplies, padding);
        return Result.TRANSMISSION;
    }

    /** NBD_OPT_INFO and NBD_OPT_GO: 32 bits length of the name, the name, 16 bits number of requests, 16 bits each. */
    private Result info(int option, ByteBuffer data, ByteBuffer out) {
        if (data.remaining() < Integer.BYTES + Short.BYTES) {
            return malformed(out, option);
        }
        long nameBytes = data.getInt() & 0xffff_ffffL;
        if (nameBytes > data.remaining() - Short.BYTES || nameBytes > Limits.STRING_BYTES) {
            return malformed(out, option);
        }
        ByteBuffer name = take(data, (int) nameBytes);
        int requests = data.getShort() & 0xffff;
        if (data.remaining() != requests * Short.BYTES) {
            return malformed(out, option);
        }
        if (!export.isNamed(name)) {
            return refuse(out, option, OptionReplyType.UNKNOWN, "this server has another disk");
        }
        if (option == OptionType.GO && !admission.getAsBoolean()) {
            return refuse(out, option, OptionReplyType.POLICY, "all connections of this disk are in use");
        }
        // Each kind is told once, however often it was asked for; kinds not known are ignored.
        int wanted = 1 << InfoType.EXPORT;
        while (data.hasRemaining()) {
            int type = data.getShort() & 0xffff;
            wanted |= type <= InfoType.BLOCK_SIZE ? 1 << type : 0;
        }
        replies.info(out, option, wanted, structuredReplies);
        replies.reply(out, option, OptionReplyType.ACK, "");
        return option == OptionType.GO ? Result.TRANSMISSION : Result.REPLIED;
    }

    /** NBD_OPT_*_META_CONTEXT: 32 bits length of the name, the name, 32 bits number of queries, each a length and text. */
    private Result metaContext(int option, ByteBuffer data, ByteBuffer out) {
        boolean set = option == OptionType.SET_META_CONTEXT;
        if (set) {
            // Replaced even when the option fails.
            allocationContext = false;
        }
        if (!structuredReplies) {
            return refuse(out, option, OptionReplyType.INVALID, "structured replies must be negotiated first");
        }
        ByteBuffer name = string(data);
        if (name == null || data.remaining() < Integer.BYTES) {
            return malformed(out, option);
        }
        long queries = data.getInt() & 0xffff_ffffL;
        boolean selected = queries == 0 && !set;
        for (long at = 0; at < queries; at++) {
            ByteBuffer query = string(data);
            if (query == null) {
                return malformed(out, option);
            }
            selected |= MetaContext.matches(query, !set);
        }
        if (data.hasRemaining()) {
            return malformed(out, option);
        }
        if (!export.isNamed(name)) {
            return refuse(out, option, OptionReplyType.UNKNOWN, "this server has another disk");
        }
        if (selected) {
            replies.metaContext(out, option, set ? MetaContext.ALLOCATION_NUMBER : 0);
        }
        allocationContext = set && selected;
        replies.reply(out, option, OptionReplyType.ACK, "");
        return Result.REPLIED;
    }

    private Result malformed(ByteBuffer out, int option) {
        return refuse(out, option, OptionReplyType.INVALID, "the option's lengths don't fit together");
    }

    /** A string with its length before it, or null if it isn't whole or longer than a string may be. */
    private static @Nullable ByteBuffer string(ByteBuffer data) {
        if (data.remaining() < Integer.BYTES) {
            return null;
        }
        long length = data.getInt() & 0xffff_ffffL;
        return length > data.remaining() || length > Limits.STRING_BYTES ? null : take(data, (int) length);
    }

    private static ByteBuffer take(ByteBuffer data, int length) {
        ByteBuffer taken = data.slice(data.position(), length);
        data.position(data.position() + length);
        return taken;
    }
}
