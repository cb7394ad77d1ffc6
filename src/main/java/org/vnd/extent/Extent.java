package org.vnd.extent;

import org.vnd.sys.abi.FiemapExtent;

/**
 * A run of a file's bytes as the file system answers FIEMAP.
 *
 * @param logicalBytes offset in the file
 * @param physicalBytes offset on the device of the file system, if {@code flags} allow such a reading
 * @param lengthBytes length, more than 0; the last extent may run past the end of the file
 * @param flags of {@link FiemapExtent}
 */
public record Extent(long logicalBytes, long physicalBytes, long lengthBytes, int flags) {

    /** The first byte of the file behind the extent. */
    public long endBytes() {
        return logicalBytes + lengthBytes;
    }

    /** Whether any of {@code mask} is set. */
    public boolean has(int mask) {
        return (flags & mask) != 0;
    }
}
