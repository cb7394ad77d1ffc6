package org.vnd.export.fuse;

import org.vnd.block.BlockDevice;

/** Finds where data and holes begin, as lseek(2) tells. */
final class DataSearch {
    /**
     * Runs that are looked at for one answer: a fragmented image has a million, and other requests wait meanwhile. Where the
     * search ends early, the answer is one that is always allowed: there is data here, or no hole before the end.
     */
    private static final int LOOKUP_LIMIT = 4096;

    private DataSearch() {}

    /** The first byte of data, or of a hole, from {@code offset} on, or −1: there is none, or that is past the end. */
    static long find(BlockDevice device, long offset, boolean data) {
        long size = device.sizeBytes();
        if (offset < 0 || offset >= size) {
            return -1;
        }
        long at = offset;
        for (int lookups = 0; lookups < LOOKUP_LIMIT; lookups++) {
            if (at >= size) {
                // There is a hole behind the end of every file.
                return data ? -1 : size;
            }
            if (device.allocated(at) == data) {
                return at;
            }
            at += device.runLengthBytes(at);
        }
        return data ? Math.min(at, size - 1) : size;
    }
}
