package org.vnd.export.nbd;

import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.RequestValidator;
import org.vnd.block.Status;
import org.vnd.export.nbd.wire.CommandFlags;
import org.vnd.export.nbd.wire.CommandType;
import org.vnd.export.nbd.wire.Limits;
import org.vnd.export.nbd.wire.Magic;
import org.vnd.export.nbd.wire.RequestHeader;

/** The request that a connection is decoding: its fields, and whether it can be done. */
final class IncomingRequest {
    private final BlockDevice device;
    private final RequestValidator validator;
    private final RequestHeader header = new RequestHeader();
    private final BlockRequest probe = new BlockRequest(-1, ignored -> {});

    private boolean structuredReplies;
    private boolean allocationContext;

    /** One of {@link CommandType}, or a number that isn't. */
    int type;
    /** The client's name for it. */
    long cookie;
    /** What the disk is asked for it. */
    Operation operation = Operation.FLUSH;

    long offsetBytes;
    long lengthBytes;
    private int flags;

    IncomingRequest(BlockDevice device) {
        this.device = device;
        this.validator = new RequestValidator(device, Limits.PAYLOAD_BYTES);
    }

    /** What was negotiated, which decides on what is legal. */
    void begin(boolean withStructuredReplies, boolean withAllocationContext) {
        structuredReplies = withStructuredReplies;
        allocationContext = withAllocationContext;
    }

    /** Takes a header from {@code staging}; false if what is there isn't one. */
    boolean decode(Staging staging) {
        header.wrap(staging.bytes(), staging.head());
        if (header.magic() != Magic.REQUEST) {
            return false;
        }
        type = header.type();
        flags = header.flags();
        cookie = header.cookie();
        offsetBytes = header.offsetBytes();
        lengthBytes = header.lengthBytes();
        staging.take(RequestHeader.SIZE_BYTES);
        return true;
    }

    /** Whether its own data must be stable before the answer; what writes nothing may carry the flag, to no effect. */
    boolean forceUnitAccess() {
        return flag(CommandFlags.FORCE_UNIT_ACCESS) && operation.changesData();
    }

    boolean flag(int commandFlag) {
        return (flags & commandFlag) != 0;
    }

    /** {@link Outcome#SUCCESS}, or why it can't be done; proto.md, "Error values" and "Request types". */
    Outcome judge() {
        int allowed = CommandFlags.FORCE_UNIT_ACCESS;
        switch (type) {
            case CommandType.READ:
                operation = Operation.READ;
                allowed |= structuredReplies ? CommandFlags.DO_NOT_FRAGMENT : 0;
                break;
            case CommandType.WRITE:
                operation = Operation.WRITE;
                break;
            case CommandType.FLUSH:
                operation = Operation.FLUSH;
                break;
            case CommandType.TRIM:
                operation = Operation.TRIM;
                break;
            case CommandType.CACHE:
                operation = Operation.CACHE;
                break;
            case CommandType.WRITE_ZEROES:
                operation = Operation.WRITE_ZEROES;
                allowed |= CommandFlags.NO_HOLE | CommandFlags.FAST_ZERO;
                break;
            case CommandType.BLOCK_STATUS:
                // It never reaches the disk, but its range has the rules of this operation: anywhere, of any length.
                operation = Operation.CACHE;
                allowed |= CommandFlags.REQUEST_ONE;
                break;
            default:
                operation = Operation.FLUSH;
                return Outcome.UNKNOWN_COMMAND;
        }
        return (flags & ~allowed) != 0 ? Outcome.UNKNOWN_FLAG : judgeRange();
    }

    private Outcome judgeRange() {
        if (type == CommandType.FLUSH && (offsetBytes | lengthBytes) != 0) {
            return Outcome.FLUSH_WITH_RANGE;
        }
        if (type == CommandType.BLOCK_STATUS && !allocationContext) {
            return Outcome.NO_CONTEXT;
        }
        probe.operation = operation;
        probe.offsetBytes = offsetBytes;
        probe.lengthBytes = lengthBytes;
        Status status = validator.validate(probe);
        if (status != Status.OK) {
            return Outcome.of(status, false);
        }
        if (type == CommandType.TRIM && !device.trims()) {
            return Outcome.NO_TRIM;
        }
        if (type == CommandType.BLOCK_STATUS && lengthBytes == 0) {
            return Outcome.EMPTY_RANGE;
        }
        return flag(CommandFlags.DO_NOT_FRAGMENT) && lengthBytes > CommandPool.RESERVE_DATA_BYTES
                ? Outcome.UNFRAGMENTED_TOO_LONG
                : Outcome.SUCCESS;
    }
}
