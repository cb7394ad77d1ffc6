package org.vnd.extent;

import java.nio.ByteBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.SysException;

/**
 * Collects a file's runs in ascending order, merges what is adjacent in the file and on the device, fills gaps with
 * holes, and makes an {@link ExtentMap} of it. Its memory is off heap and doubles as it fills.
 */
public final class ExtentMapBuilder implements AutoCloseable {
    private static final int ENTRY_BYTES = 2 * Long.BYTES;
    /** Never the physical offset of a run, nor {@link ExtentMap#HOLE}. */
    private static final long NOTHING = Long.MIN_VALUE;

    private final long sizeBytes;
    private AlignedBuffer buffer;
    private ByteBuffer bytes;
    private int capacity = AlignedBuffer.PAGE_BYTES / ENTRY_BYTES;
    private int count;
    private long endBytes;
    /** The physical offset with which a run would continue the last one, {@link ExtentMap#HOLE} after a hole. */
    private long nextPhysicalBytes = NOTHING;

    private long offsetBits;
    private long physicalMaxBytes;

    /** A map of a file of {@code sizeBytes}, more than 0. */
    public ExtentMapBuilder(long sizeBytes) throws SysException {
        if (sizeBytes <= 0) {
            throw new IllegalArgumentException("size of a map: " + sizeBytes);
        }
        this.sizeBytes = sizeBytes;
        this.buffer = new AlignedBuffer(capacity * ENTRY_BYTES);
        this.bytes = buffer.bytes();
    }

    /**
     * Adds a run with storage, which must start at or after the end of the last one. What lies between is a hole. What
     * lies past the size of the file is left out.
     *
     * @throws SysException ENOMEM, or EOVERFLOW at more than {@link ExtentMap#EXTENTS_MAX} extents
     */
    public void addData(long logicalBytes, long physicalBytes, long lengthBytes) throws SysException {
        if (logicalBytes < endBytes || lengthBytes <= 0 || physicalBytes < 0) {
            throw new IllegalArgumentException(
                    "run at " + logicalBytes + ", " + physicalBytes + ", of " + lengthBytes + " after " + endBytes);
        }
        if (logicalBytes >= sizeBytes) {
            return;
        }
        fillTo(logicalBytes);
        if (physicalBytes != nextPhysicalBytes) {
            append(physicalBytes);
            offsetBits |= physicalBytes;
        }
        endBytes = lengthBytes < sizeBytes - logicalBytes ? logicalBytes + lengthBytes : sizeBytes;
        nextPhysicalBytes = physicalBytes + (endBytes - logicalBytes);
        // Of the last byte: a run may begin where 32 bits suffice, and end where they don't.
        physicalMaxBytes = Math.max(physicalMaxBytes, nextPhysicalBytes - 1);
    }

    /** Makes the map and ends the builder. The rest of the file is a hole. */
    public ExtentMap build() throws SysException {
        fillTo(sizeBytes);
        try {
            return new ExtentMap(this);
        } finally {
            close();
        }
    }

    private void fillTo(long logicalBytes) throws SysException {
        if (endBytes == logicalBytes) {
            return;
        }
        if (nextPhysicalBytes != ExtentMap.HOLE) {
            append(ExtentMap.HOLE);
        }
        endBytes = logicalBytes;
        nextPhysicalBytes = ExtentMap.HOLE;
    }

    /** Begins a run where the last one ends. */
    private void append(long physicalBytes) throws SysException {
        if (count == capacity) {
            grow();
        }
        bytes.putLong(count * ENTRY_BYTES, endBytes).putLong(count * ENTRY_BYTES + Long.BYTES, physicalBytes);
        offsetBits |= endBytes;
        count++;
    }

    private void grow() throws SysException {
        if (capacity == ExtentMap.EXTENTS_MAX) {
            throw new SysException("map of more than " + capacity + " extents", "", Errno.EOVERFLOW);
        }
        int larger = Math.min(2 * capacity, ExtentMap.EXTENTS_MAX);
        AlignedBuffer next = new AlignedBuffer(larger * ENTRY_BYTES);
        next.bytes().put(0, bytes, 0, count * ENTRY_BYTES);
        buffer.close();
        buffer = next;
        bytes = next.bytes();
        capacity = larger;
    }

    int count() {
        return count;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    long startBytes(int index) {
        return bytes.getLong(index * ENTRY_BYTES);
    }

    long physicalBytes(int index) {
        return bytes.getLong(index * ENTRY_BYTES + Long.BYTES);
    }

    /** All logical and physical offsets or'ed: their common alignment is its lowest bit. */
    long offsetBits() {
        return offsetBits;
    }

    long physicalMaxBytes() {
        return physicalMaxBytes;
    }

    @Override
    public void close() {
        buffer.close();
    }
}
