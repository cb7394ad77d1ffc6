package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import org.vnd.block.Status;
import org.vnd.export.nbd.wire.ErrorValue;

/** How a request ended as its client is told: the protocol's error value and a sentence for people. */
enum Outcome {
    SUCCESS(ErrorValue.NONE, ""),
    UNKNOWN_COMMAND(ErrorValue.INVALID, "this server has no such command"),
    UNKNOWN_FLAG(ErrorValue.INVALID, "the command has no such flag here"),
    FLUSH_WITH_RANGE(ErrorValue.INVALID, "a flush has no offset and no length"),
    NO_TRIM(ErrorValue.INVALID, "trim was not offered"),
    NO_CONTEXT(ErrorValue.INVALID, "no metadata context was negotiated"),
    EMPTY_RANGE(ErrorValue.INVALID, "there is no status of nothing"),
    INVALID(ErrorValue.INVALID, "the range is past the end of the disk, or longer than 32 MiB of data"),
    UNFRAGMENTED_TOO_LONG(ErrorValue.OVERFLOW, "so much can't be read unfragmented"),
    READ_ONLY(ErrorValue.NOT_PERMITTED, "the disk is read-only"),
    NO_SPACE(ErrorValue.NO_SPACE, "past the end of the disk, or the file system below is full"),
    IO_ERROR(ErrorValue.IO, "input/output error of the storage below"),
    NOT_FAST(ErrorValue.NOT_SUPPORTED, "zeroing is no faster than writing here"),
    UNSUPPORTED(ErrorValue.INVALID, "the storage below can't do this"),
    SHUTTING_DOWN(ErrorValue.SHUTDOWN, "the disk is being detached");

    private final int errorValue;
    /** ASCII. */
    private final String message;

    Outcome(int errorValue, String message) {
        this.errorValue = errorValue;
        this.message = message;
    }

    /** The longest message's length, so that a buffer can be sized. */
    static int longestMessageBytes() {
        int longest = 0;
        for (Outcome outcome : values()) {
            longest = Math.max(longest, outcome.message.length());
        }
        return longest;
    }

    /**
     * What a device's status means to the client. ENOTSUP is only for a WRITE_ZEROES that insisted on being fast: proto.md,
     * "Error values".
     */
    static Outcome of(Status status, boolean onlyIfFast) {
        switch (status) {
            case OK:
                return SUCCESS;
            case NO_SPACE:
                return NO_SPACE;
            case READ_ONLY:
                return READ_ONLY;
            case INVALID:
                return INVALID;
            case NOT_SUPPORTED:
                return onlyIfFast ? NOT_FAST : UNSUPPORTED;
            case SHUTTING_DOWN:
                return SHUTTING_DOWN;
            default:
                return IO_ERROR;
        }
    }

    /** One of {@link ErrorValue}. */
    int errorValue() {
        return errorValue;
    }

    int messageBytes() {
        return message.length();
    }

    void putMessage(ByteBuffer buffer, int index) {
        for (int at = 0; at < message.length(); at++) {
            buffer.put(index + at, (byte) message.charAt(at));
        }
    }
}
