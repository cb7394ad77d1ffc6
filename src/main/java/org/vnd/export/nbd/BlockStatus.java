package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import org.vnd.block.BlockDevice;
import org.vnd.export.nbd.wire.AllocationState;
import org.vnd.export.nbd.wire.ExtentDescriptor;

/** Describes a range of the disk in base:allocation. */
final class BlockStatus {
    /** An extent's length has 32 bits; a longer one is cut at a page's border. */
    private static final long LONGEST_EXTENT_BYTES = 0xffff_f000L;

    /**
     * Runs that are looked at for one answer. A fragmented image has a million that all say the same, and other clients wait
     * meanwhile; a shorter answer is always right.
     */
    private static final int LOOKUP_LIMIT = 4096;

    private final BlockDevice device;
    private final ExtentDescriptor descriptor = new ExtentDescriptor();
    private int lookups;

    BlockStatus(BlockDevice device) {
        this.device = device;
    }

    /**
     * Writes the payload of a BLOCK_STATUS chunk on [offset, offset + length) into {@code out} from {@code at} on, in at
     * most {@code sizeLimit} bytes: a client asks again for what isn't covered. With {@code one} it is one extent within
     * the range; without, the last may reach past it, when that much is known anyhow.
     *
     * @return the payload's length
     */
    int encode(ByteBuffer out, int at, int sizeLimit, long offset, long length, boolean one) {
        assert length > 0;
        out.putInt(at, MetaContext.ALLOCATION_NUMBER);
        int size = ExtentDescriptor.CONTEXT_NUMBER_BYTES;
        long cursor = offset;
        long end = offset + length;
        lookups = 0;
        while (cursor < end && lookups < LOOKUP_LIMIT && size + ExtentDescriptor.SIZE_BYTES <= sizeLimit) {
            boolean allocated = device.allocated(cursor);
            long run = Math.min(runLength(cursor, end, allocated), LONGEST_EXTENT_BYTES);
            if (one) {
                run = Math.min(run, length);
            }
            descriptor
                    .wrap(out, at + size)
                    .lengthBytes(run)
                    .flags(allocated ? 0 : AllocationState.HOLE | AllocationState.ZERO);
            size += ExtentDescriptor.SIZE_BYTES;
            if (one) {
                break;
            }
            cursor += run;
        }
        return size;
    }

    /** From {@code start} to where the answer changes, or past {@code end}. */
    private long runLength(long start, long end, boolean allocated) {
        long size = device.sizeBytes();
        long at = start;
        do {
            lookups++;
            at = Math.min(size, at + device.runLengthBytes(at));
        } while (at < end && lookups < LOOKUP_LIMIT && device.allocated(at) == allocated);
        return at - start;
    }
}
