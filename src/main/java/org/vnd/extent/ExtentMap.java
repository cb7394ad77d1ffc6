package org.vnd.extent;

import java.nio.ByteBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * Where each byte of a file lies: a complete cover of [0, size) by runs, those with storage and holes. Off heap, locked,
 * and unchangeable, so that any number of threads may read it.
 *
 * <pre>
 * entries: logical, physical   of each run, ascending, in units
 *          size, -1            the sentinel, where the last run ends
 * index:   int                 for each of the equal buckets the file is cut into: the run that covers its first unit
 *          int                 the last run
 * </pre>
 *
 * <p>A lookup in a large map costs what its cache misses cost. Logical and physical offset lie side by side, because a
 * lookup wants both. The unit is the largest power of two that divides all offsets; in it they nearly always fit into
 * 32 bits (16 TiB in blocks of 4 KiB), and an entry takes 8 bytes, else 16. The index leads to the one or two runs that
 * begin in a bucket, so a lookup touches a line of the index and one of the entries, whatever the number of runs.
 */
public final class ExtentMap implements AutoCloseable {
    /** The physical offset of a hole. */
    public static final long HOLE = -1;

    /** The most runs a map can have: at most 20 bytes for each, and a direct buffer has less than 2 GiB. */
    public static final int EXTENTS_MAX = 100_000_000;

    /** Keeps a unit a sensible number of bytes where one run begins at a round address. */
    private static final int UNIT_SHIFT_MAX = 30;

    private static final long UNSIGNED = 0xFFFF_FFFFL;

    private final AlignedBuffer buffer;
    private final int count;
    private final long sizeBytes;
    private final int unitShift;
    private final boolean narrow;
    private final int bucketShift;
    private final int indexPosition;
    /** Null after close, so that a late reader gets an exception and not memory that isn't ours. */
    private ByteBuffer bytes;

    /** Takes over what {@code builder} has collected. */
    ExtentMap(ExtentMapBuilder builder) throws SysException {
        count = builder.count();
        sizeBytes = builder.sizeBytes();
        unitShift = Math.min(UNIT_SHIFT_MAX, Long.numberOfTrailingZeros(builder.offsetBits()));
        long sizeUnits = ((sizeBytes - 1) >>> unitShift) + 1;
        // The largest narrow number is the hole's.
        narrow = Math.max(sizeUnits, builder.physicalMaxBytes() >>> unitShift) < UNSIGNED;
        indexPosition = (count + 1) * entryBytes();
        bucketShift = bucketShift(sizeUnits);
        int buckets = (int) (((sizeUnits - 1) >>> bucketShift) + 1);
        buffer = new AlignedBuffer(indexPosition + (buckets + 1) * Integer.BYTES);
        bytes = buffer.bytes();
        for (int index = 0; index < count; index++) {
            long physicalBytes = builder.physicalBytes(index);
            putEntry(index, builder.startBytes(index) >>> unitShift, physicalBytes >> unitShift);
            assert physicalBytes(index) == physicalBytes;
        }
        putEntry(count, sizeUnits, HOLE);
        fillIndex(buckets);
    }

    /** The smallest buckets of which there are no more than runs: 4 bytes of index a run. */
    private int bucketShift(long sizeUnits) {
        int shift = 0;
        while (((sizeUnits - 1) >>> shift) >= count) {
            shift++;
        }
        return shift;
    }

    private int entryBytes() {
        return narrow ? 2 * Integer.BYTES : 2 * Long.BYTES;
    }

    private void putEntry(int index, long startUnit, long physicalUnit) {
        int position = index * entryBytes();
        if (narrow) {
            bytes.putInt(position, (int) startUnit).putInt(position + Integer.BYTES, (int) physicalUnit);
        } else {
            bytes.putLong(position, startUnit).putLong(position + Long.BYTES, physicalUnit);
        }
    }

    private void fillIndex(int buckets) {
        int run = 0;
        for (int bucket = 0; bucket < buckets; bucket++) {
            while (startUnit(run + 1) <= (long) bucket << bucketShift) {
                run++;
            }
            bytes.putInt(indexPosition + bucket * Integer.BYTES, run);
        }
        bytes.putInt(indexPosition + buckets * Integer.BYTES, count - 1);
    }

    /**
     * The index of the run that covers {@code offsetBytes}, which is in [0, size).
     *
     * @param hint the run of the last lookup, or any number: a sequential reader finds it, or the one behind it, without
     *     a search
     */
    public int find(long offsetBytes, int hint) {
        if (offsetBytes < 0 || offsetBytes >= sizeBytes) {
            throw new IndexOutOfBoundsException("byte " + offsetBytes + " of " + sizeBytes);
        }
        long unit = offsetBytes >>> unitShift;
        if (hint >= 0 && hint < count && startUnit(hint) <= unit) {
            if (unit < startUnit(hint + 1)) {
                return hint;
            }
            if (hint + 1 < count && unit < startUnit(hint + 2)) {
                return hint + 1;
            }
        }
        return search(unit);
    }

    /**
     * A binary search in which no branch depends on the entries, so that the processor, while it waits for one lookup's
     * cache line, goes on with the next lookup rather than down a wrongly guessed path.
     */
    private int search(long unit) {
        int bucket = indexPosition + (int) (unit >>> bucketShift) * Integer.BYTES;
        int low = bytes.getInt(bucket);
        int span = bytes.getInt(bucket + Integer.BYTES) - low;
        while (span > 0) {
            int half = (span + 1) >>> 1;
            // All ones if that run begins at or before the unit, else zero.
            long begun = (startUnit(low + half) - unit - 1) >> 63;
            low += half & (int) begun;
            span >>>= 1;
        }
        return low;
    }

    /** Of the sentinel too. */
    private long startUnit(int index) {
        return narrow ? bytes.getInt(index * 2 * Integer.BYTES) & UNSIGNED : bytes.getLong(index * 2 * Long.BYTES);
    }

    /** The offset in the file of the first byte of run {@code index}, which is in [0, count). */
    public long startBytes(int index) {
        assert index >= 0 && index < count;
        return startUnit(index) << unitShift;
    }

    /** The offset in the file of the first byte behind run {@code index}. */
    public long endBytes(int index) {
        assert index >= 0 && index < count;
        // The last unit may be more than the file has.
        return index == count - 1 ? sizeBytes : startUnit(index + 1) << unitShift;
    }

    /** The offset on the device of the first byte of run {@code index}, or {@link #HOLE}. */
    public long physicalBytes(int index) {
        assert index >= 0 && index < count;
        if (narrow) {
            int unit = bytes.getInt((index * 2 + 1) * Integer.BYTES);
            return unit == HOLE ? HOLE : (unit & UNSIGNED) << unitShift;
        }
        long unit = bytes.getLong((index * 2 + 1) * Long.BYTES);
        return unit == HOLE ? HOLE : unit << unitShift;
    }

    /** Whether run {@code index} has no storage (or none that is written) and reads as zeros. */
    public boolean hole(int index) {
        return physicalBytes(index) == HOLE;
    }

    /** The number of runs, holes among them; at least 1. */
    public int count() {
        return count;
    }

    /** The size of the file in bytes. */
    public long sizeBytes() {
        return sizeBytes;
    }

    /** The memory the map takes, in bytes. */
    public long memoryBytes() {
        return buffer.sizeBytes();
    }

    /** Whether the map is safe from being paged out. */
    public boolean locked() {
        return buffer.locked();
    }

    /** Whether both maps say the same of every byte. */
    public boolean contentEquals(ExtentMap other) {
        // The same runs make the same unit, the same width and the same index.
        return sizeBytes == other.sizeBytes && count == other.count && bytes.equals(other.bytes);
    }

    /** Frees the memory. Every reader has stopped before. */
    @Override
    @SuppressWarnings("NullAway")
    public void close() {
        bytes = null;
        buffer.close();
    }
}
