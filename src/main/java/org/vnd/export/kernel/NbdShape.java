package org.vnd.export.kernel;

import org.vnd.block.BlockDevice;
import org.vnd.sys.abi.NbdNetlink;

/** What the kernel's nbd driver is told of a disk, read on the queue's thread and used on another. */
public record NbdShape(long sizeBytes, int blockSizeBytes, boolean readOnly, boolean trims) {
    /** Of {@code device}, with a logical block of {@code blockSizeBytes}; on its thread. */
    public static NbdShape of(BlockDevice device, int blockSizeBytes) {
        return new NbdShape(device.sizeBytes(), blockSizeBytes, device.readOnly(), device.trims());
    }

    /** What is no whole block at the end is cut off. */
    long wholeBlocksBytes() {
        return sizeBytes / blockSizeBytes * blockSizeBytes;
    }

    /** What the server can do, NBD_FLAG_…; kernels ignore those that they don't know. */
    long serverFlags() {
        int flags = NbdNetlink.NBD_FLAG_HAS_FLAGS
                | NbdNetlink.NBD_FLAG_SEND_FLUSH
                | NbdNetlink.NBD_FLAG_SEND_FUA
                | NbdNetlink.NBD_FLAG_CAN_MULTI_CONN;
        if (readOnly) {
            return flags | NbdNetlink.NBD_FLAG_READ_ONLY;
        }
        return flags | NbdNetlink.NBD_FLAG_SEND_WRITE_ZEROES | (trims ? NbdNetlink.NBD_FLAG_SEND_TRIM : 0);
    }
}
