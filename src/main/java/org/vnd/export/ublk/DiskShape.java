package org.vnd.export.ublk;

import org.vnd.block.BlockDevice;

/** What the driver is told of a disk, read on the queue's thread and used on another. */
public record DiskShape(long sizeBytes, int blockSizeBytes, boolean readOnly, boolean trims) {
    /**
     * Of {@code device}, with a logical block of {@code blockSizeBytes}, and as many of them as it has whole; on its thread.
     */
    public static DiskShape of(BlockDevice device, int blockSizeBytes) {
        return new DiskShape(
                device.sizeBytes() / blockSizeBytes * blockSizeBytes,
                blockSizeBytes,
                device.readOnly(),
                device.trims());
    }
}
