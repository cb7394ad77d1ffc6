package org.vnd.export.ublk;

import org.vnd.block.BlockDevice;

/** What the driver is told of a disk, read on the queue's thread and used on another. */
public record DiskShape(long sizeBytes, int blockSizeBytes, boolean readOnly, boolean trims) {
    /** Of {@code device}; on its thread. */
    public static DiskShape of(BlockDevice device) {
        return new DiskShape(device.sizeBytes(), device.blockSizeBytes(), device.readOnly(), device.trims());
    }
}
