package org.vnd.extent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * Where each byte of a file lies: a complete cover of [0, size) by runs, those with storage and holes. Off heap, locked,
 * and unchangeable, so that any number of threads may read it.
 *
 * <pre>
 * entries: logical, physical   of each run, ascending, in units
 *          size, -1            the sentinel, where the last run ends
 * </pre>
 *
 * <p>The unit is the largest power of two that divides all offsets; in it they nearly always fit into 32 bits (16 TiB in
 * blocks of 4 KiB), and an entry takes 8 bytes, else 16. {@link LookupLines} lead to them, and spare most lookups the way.
 */
public final class ExtentMap implements AutoCloseable {
    /** The physical offset of a hole. */
    public static final long HOLE = -1;

    /** What {@link #place} says if it takes {@link #find}. */
    public static final long UNTOLD = LookupLines.UNTOLD;

    /** The most runs a map can have: at most 16 bytes for each, and a direct buffer has less than 2 GiB. */
    public static final int EXTENTS_MAX = 100_000_000;

    /** Keeps a unit a sensible number of bytes where one run begins at a round address. */
    private static final int UNIT_SHIFT_MAX = 30;

    private static final long UNSIGNED = 0xFFFF_FFFFL;
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    /** How many at once go from the builder by an array, to which an access is cheap before the JVM has compiled much. */
    private static final int CHUNK_RUNS = 64;

    private static final int LINES_CHECKED = 1 << 16;

    private final AlignedBuffer buffer;
    private final int count;
    private final int holes;
    private final long sizeBytes;
    private final int unitShift;
    /** What fits into 32 bits in units. */
    private final long placeMask;

    private final boolean narrow;
    private final LookupLines lines;
    /** Null after close, so that a late reader gets an exception and not memory that isn't ours. */
    private ByteBuffer bytes;

    /** Takes over what {@code builder} has collected. */
    ExtentMap(ExtentMapBuilder builder) throws SysException {
        count = builder.count();
        holes = builder.holes();
        sizeBytes = builder.sizeBytes();
        unitShift = Math.min(UNIT_SHIFT_MAX, Long.numberOfTrailingZeros(builder.offsetBits()));
        placeMask = (1L << (unitShift + Integer.SIZE)) - 1;
        long sizeUnits = ((sizeBytes - 1) >>> unitShift) + 1;
        // The largest narrow number is the hole's.
        narrow = Math.max(sizeUnits, builder.physicalMaxBytes() >>> unitShift) < UNSIGNED;
        buffer = new AlignedBuffer((count + 1) * entryBytes());
        bytes = buffer.bytes();
        try {
            lines = new LookupLines(count, sizeUnits, narrow);
        } catch (SysException e) {
            buffer.close();
            throw e;
        }
        LongBuffer entries = bytes.asLongBuffer();
        take(builder, entries);
        long[] sentinel = new long[2];
        putEntry(sentinel, 0, sizeUnits, HOLE);
        entries.put(count * entryLongs(), sentinel, 0, entryLongs());
        assert says(builder);
    }

    private void take(ExtentMapBuilder builder, LongBuffer entries) {
        LineWriter writer = lines.writer();
        long[] runs = new long[CHUNK_RUNS * 2];
        int taken = 0;
        for (int more = builder.next(runs); more > 0; more = builder.next(runs)) {
            take(runs, more, writer);
            entries.put(taken * entryLongs(), runs, 0, more * entryLongs());
            taken += more;
        }
        assert taken == count;
        writer.finish();
    }

    /** Turns {@code count} runs, in bytes, into entries. */
    private void take(long[] runs, int count, LineWriter writer) {
        for (int index = 0; index < count; index++) {
            long startUnit = runs[2 * index] >> unitShift;
            long physicalUnit = runs[2 * index + 1] >> unitShift;
            writer.add(startUnit, physicalUnit);
            putEntry(runs, index, startUnit, physicalUnit);
        }
    }

    private int entryBytes() {
        return entryLongs() * Long.BYTES;
    }

    private int entryLongs() {
        return narrow ? 1 : 2;
    }

    private void putEntry(long[] entries, int index, long startUnit, long physicalUnit) {
        if (narrow) {
            entries[index] = LITTLE_ENDIAN
                    ? physicalUnit << Integer.SIZE | startUnit
                    : startUnit << Integer.SIZE | (physicalUnit & UNSIGNED);
        } else {
            entries[2 * index] = startUnit;
            entries[2 * index + 1] = physicalUnit;
        }
    }

    /**
     * Whether nothing was lost by the entries' form. Of many runs, the lines are asked about some: that takes longer than all
     * the rest, and what they tell is looked at again before each write.
     */
    private boolean says(ExtentMapBuilder builder) {
        int step = count / LINES_CHECKED + 1;
        long[] runs = new long[CHUNK_RUNS * 2];
        int index = 0;
        builder.rewind();
        for (int more = builder.next(runs); more > 0; more = builder.next(runs)) {
            for (int at = 0; at < more; at++, index++) {
                if (!says(index, runs[2 * at], runs[2 * at + 1]) || (index % step == 0 && !toldRightly(index))) {
                    return false;
                }
            }
        }
        return index == count;
    }

    private boolean says(int index, long startBytes, long physicalBytes) {
        long last = physicalUnit(index) + startUnit(index + 1) - startUnit(index) - 1;
        return startBytes(index) == startBytes
                && physicalBytes(index) == physicalBytes
                && (!narrow || hole(index) || last < UNSIGNED);
    }

    /** Whether the lines, if they tell of a run's first byte and last, are right; and don't tell of a range in two runs. */
    private boolean toldRightly(int index) {
        long start = startBytes(index);
        long end = endBytes(index);
        long first = place(start, 1);
        long last = place(end - 1, 1);
        long physical = physicalBytes(index);
        return (first == UNTOLD || first == physical)
                && (last == UNTOLD || last == (hole(index) ? HOLE : physical + (end - 1 - start)))
                && (end == sizeBytes || place(end - 1, 2) == UNTOLD);
    }

    /**
     * Where byte {@code offsetBytes} lies on the device, if the {@code lengthBytes} from there on, at least 1, are in one run
     * and that is told at once: {@link #HOLE} if it has no storage. {@link #UNTOLD} if it takes {@link #find}, as for a range
     * in several runs.
     */
    public long place(long offsetBytes, long lengthBytes) {
        if (offsetBytes < 0 || lengthBytes < 1 || lengthBytes > sizeBytes - offsetBytes) {
            throw outside(offsetBytes, lengthBytes);
        }
        long displacement =
                lines.displacement(offsetBytes >>> unitShift, (offsetBytes + lengthBytes - 1) >>> unitShift);
        return displacement < 0 ? displacement : offsetBytes + (displacement << unitShift) & placeMask;
    }

    /** The index of the run that covers {@code offsetBytes}, which is in [0, size). */
    public int find(long offsetBytes) {
        if (offsetBytes < 0 || offsetBytes >= sizeBytes) {
            throw outside(offsetBytes, 1);
        }
        long unit = offsetBytes >>> unitShift;
        return search(unit, lines.firstRun(unit), lines.lastRun(unit));
    }

    /** On its own, as the compiler copies only small methods to where they are called. */
    private IndexOutOfBoundsException outside(long offsetBytes, long lengthBytes) {
        return new IndexOutOfBoundsException(lengthBytes + " bytes at " + offsetBytes + " of " + sizeBytes);
    }

    private int search(long unit, int first, int last) {
        int low = first;
        int span = last - first;
        while (span > 0) {
            int half = (span + 1) >>> 1;
            // All ones if that run begins at or before the unit, else zero: no branch that would be guessed wrong.
            long begun = (startUnit(low + half) - unit - 1) >> 63;
            low += half & (int) begun;
            span >>>= 1;
        }
        assert startUnit(low) <= unit && unit < startUnit(low + 1);
        return low;
    }

    /** Of the sentinel too. */
    private long startUnit(int index) {
        return narrow ? bytes.getInt(index * 2 * Integer.BYTES) & UNSIGNED : bytes.getLong(index * 2 * Long.BYTES);
    }

    /** Is told of a piece of a file on the device, or of a {@link #HOLE} in it. */
    @FunctionalInterface
    public interface PieceUser {
        /** The next {@code lengthBytes}. */
        void piece(long physicalBytes, long lengthBytes) throws IOException;
    }

    /** Tells {@code user} of what {@code sizeBytes} from {@code offsetBytes} on consist, in their order. */
    public void pieces(long offsetBytes, long sizeBytes, PieceUser user) throws IOException {
        long end = offsetBytes + sizeBytes;
        int index = find(offsetBytes);
        for (long at = offsetBytes; at < end; at = endBytes(index++)) {
            long length = Math.min(end, endBytes(index)) - at;
            user.piece(hole(index) ? HOLE : physicalBytes(index) + at - startBytes(index), length);
        }
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
        long unit = physicalUnit(index);
        return unit == HOLE ? HOLE : unit << unitShift;
    }

    private long physicalUnit(int index) {
        if (narrow) {
            int unit = bytes.getInt((index * 2 + 1) * Integer.BYTES);
            return unit == HOLE ? HOLE : unit & UNSIGNED;
        }
        return bytes.getLong((index * 2 + 1) * Long.BYTES);
    }

    /** Whether run {@code index} has no storage (or none that is written) and reads as zeros. */
    public boolean hole(int index) {
        return physicalBytes(index) == HOLE;
    }

    /** The number of runs, holes among them; at least 1. */
    public int count() {
        return count;
    }

    /** The number of runs without storage. */
    public int holes() {
        return holes;
    }

    /** The size of the file in bytes. */
    public long sizeBytes() {
        return sizeBytes;
    }

    /** The memory the map takes, in bytes. */
    public long memoryBytes() {
        return buffer.sizeBytes() + lines.memoryBytes();
    }

    /** Whether the map is safe from being paged out. */
    public boolean locked() {
        return buffer.locked() && lines.locked();
    }

    /** Whether both maps say the same of every byte. */
    public boolean contentEquals(ExtentMap other) {
        // What is in one unit looks the same in any other: one run at block 3, of 4 KiB or of 64 MiB.
        return sizeBytes == other.sizeBytes
                && count == other.count
                && unitShift == other.unitShift
                && narrow == other.narrow
                && bytes.equals(other.bytes);
    }

    /** Frees the memory. Every reader has stopped before. */
    @Override
    @SuppressWarnings("NullAway")
    public void close() {
        bytes = null;
        buffer.close();
        lines.close();
    }
}
