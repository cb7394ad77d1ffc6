package org.vnd.block;

/** The one place where a request that arrived from outside is judged. Engines assert what passes here. */
public final class RequestValidator {
    private final BlockDevice device;
    private final long maximumTransferBytes;

    /**
     * Judges requests for {@code device} of which a READ or WRITE moves at most {@code maximumTransferBytes}, the size of
     * the largest buffer the export can hold.
     */
    public RequestValidator(BlockDevice device, long maximumTransferBytes) {
        this.device = device;
        this.maximumTransferBytes = maximumTransferBytes;
    }

    /**
     * {@link Status#OK}, or why {@code request} can't be done. Past the end WRITE and WRITE_ZEROES answer {@link
     * Status#NO_SPACE} and anything else {@link Status#INVALID}, as the NBD protocol asks ("Error values" in its
     * proto.md).
     */
    public Status validate(BlockRequest request) {
        Operation operation = request.operation;
        if (operation.changesData() && device.readOnly()) {
            return Status.READ_ONLY;
        }
        if (!operation.hasRange()) {
            return Status.OK;
        }
        long size = device.sizeBytes();
        if (request.offsetBytes < 0
                || request.lengthBytes < 0
                || request.lengthBytes > size
                || request.offsetBytes > size - request.lengthBytes) {
            boolean stores = operation == Operation.WRITE || operation == Operation.WRITE_ZEROES;
            return stores ? Status.NO_SPACE : Status.INVALID;
        }
        if (operation.hasBuffer() && request.lengthBytes > maximumTransferBytes) {
            return Status.INVALID;
        }
        return Status.OK;
    }
}
