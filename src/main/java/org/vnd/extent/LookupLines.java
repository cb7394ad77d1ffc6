package org.vnd.extent;

import java.math.BigInteger;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * The way from a unit of the file to its run, and to its place, that touches one cache line: a map may be much larger than
 * the processor's cache, and a lookup costs what its cache misses cost. The file is cut into equal buckets, with a line of 32
 * bytes for each, and one more as a sentinel. A unit times {@link #scale} is the bucket's number and, behind the binary
 * point, how far into the bucket it is, of which the first 15 bits are its tick:
 *
 * <pre>
 * long 0    4 × 16 bits   the ticks at which runs begin, less one, but for the run that has the bucket's first unit; {@link
 *                         #NO_RUN} behind the last; with the top bit set
 * int 2-6   5 × 32 bits   for those 4 from the last to the first, and for the run with the first unit: what to add to a
 *                         unit to get its place on the device, modulo 2^32; {@link #HOLE}; {@link #CROWDED} in all five
 * int 7     32 bits       the index of the run with the first unit
 * </pre>
 *
 * <p>A line is crowded where more runs begin, which is rare if they are about as long; where the bucket is so large that the
 * unit before a run has the tick of its first; and where places don't fit into 32 bits. Then the runs from this line's first
 * to the next one's are to be searched, which are few.
 *
 * <p>What counts is the number of instructions, since the processor does those of several lookups while it waits for memory;
 * and that no branch depends on the runs, which would be guessed wrong, and end that.
 */
final class LookupLines implements AutoCloseable {
    /** What {@link #displacement} says of a range that isn't in one run, or of which a line doesn't tell. */
    static final long UNTOLD = -2;

    private static final int LINE_BYTES = 32;
    private static final int LINE_LONGS = LINE_BYTES / Long.BYTES;
    static final int LINE_INTS = LINE_BYTES / Integer.BYTES;
    static final int LANES = 4;
    private static final int TICK_BITS = 15;
    static final int TICK_SHIFT = Long.SIZE - TICK_BITS;
    static final long NO_RUN = (1 << TICK_BITS) - 1;
    static final int DISPLACEMENTS_INT = 2;
    static final int FIRST_RUN_INT = 7;

    static final long HOLE = 0xFFFF_FFFFL;
    static final long CROWDED = 0xFFFF_FFFEL;

    /** In quarters. With four lanes, and lengths that don't vary much, hardly a bucket is crowded; 14 bytes a run. */
    private static final int QUARTER_RUNS_A_BUCKET = 9;
    /** Where runs take 16 bytes already, to stay at 24. */
    private static final int QUARTER_RUNS_A_BUCKET_WIDE = 17;

    /** A number times this has it in each lane. */
    static final long EACH_LANE = 0x0001_0001_0001_0001L;

    static final long TOP_BITS = EACH_LANE << TICK_BITS;

    static final long UNSIGNED = 0xFFFF_FFFFL;

    private final AlignedBuffer buffer;
    private final int buckets;
    private final boolean narrow;
    /** Buckets a unit, times 2^64. */
    private final long scale;
    /** Null after close, as in {@link ExtentMap}. */
    private LongBuffer lanes;

    private IntBuffer ints;

    /**
     * Room for the lines of {@code runs} runs of together {@code sizeUnits}, which {@link #writer} writes.
     *
     * @param narrow whether places fit into 32 bits
     */
    LookupLines(int runs, long sizeUnits, boolean narrow) throws SysException {
        this.narrow = narrow;
        int quarterRuns = narrow ? QUARTER_RUNS_A_BUCKET : QUARTER_RUNS_A_BUCKET_WIDE;
        // Of two units at least, so that the scale is below 2^63; but for a file of one.
        buckets = (int) Math.max(1, Math.min(sizeUnits / 2, (4L * runs + quarterRuns - 1) / quarterRuns));
        scale = BigInteger.valueOf(buckets)
                .shiftLeft(Long.SIZE)
                .divide(BigInteger.valueOf(sizeUnits))
                .min(BigInteger.valueOf(Long.MAX_VALUE))
                .longValueExact();
        assert bucket(sizeUnits - 1) == buckets - 1;
        buffer = new AlignedBuffer((buckets + 1) * LINE_BYTES);
        lanes = buffer.bytes().asLongBuffer();
        ints = buffer.bytes().asIntBuffer();
    }

    /** To be given all runs, and finished, before the first lookup. */
    LineWriter writer() {
        return new LineWriter(ints, scale, buckets, narrow);
    }

    private int firstRun(int bucket) {
        return ints.get(bucket * LINE_INTS + FIRST_RUN_INT);
    }

    private long displacementOf(int bucket, int later) {
        return ints.get(bucket * LINE_INTS + DISPLACEMENTS_INT + later) & UNSIGNED;
    }

    private int bucket(long unit) {
        return (int) Math.multiplyHigh(unit, scale);
    }

    private long tick(long unit) {
        return (unit * scale) >>> TICK_SHIFT;
    }

    /** How many of the line's runs begin behind {@code unit} of the bucket; lanes without a run count, too. */
    private int later(int bucket, long unit) {
        // In each lane: what is subtracted leaves the top bit set unless it is more, and nothing is borrowed.
        return Long.bitCount(lanes.get(bucket * LINE_LONGS) - tick(unit) * EACH_LANE & TOP_BITS);
    }

    /**
     * What to add to {@code unit} to get its place on the device, modulo 2^32, if those up to {@code lastUnit} are in the
     * same run: {@link ExtentMap#HOLE} if it has no storage, {@link #UNTOLD} otherwise.
     */
    long displacement(long unit, long lastUnit) {
        int bucket = bucket(unit);
        int later = later(bucket, unit);
        long displacement = displacementOf(bucket, later);
        if (displacement >= CROWDED) {
            return displacement == HOLE && sameRun(bucket, later, lastUnit) ? ExtentMap.HOLE : UNTOLD;
        }
        if (lastUnit != unit && !sameRun(bucket, later, lastUnit)) {
            return UNTOLD;
        }
        return displacement;
    }

    private boolean sameRun(int bucket, int later, long unit) {
        return bucket(unit) == bucket && later(bucket, unit) == later;
    }

    /** The index of the run that has {@code unit}; if the line is crowded, the complement of that of one at or before it. */
    int run(long unit) {
        int bucket = bucket(unit);
        int first = firstRun(bucket);
        return displacementOf(bucket, 0) == CROWDED ? ~first : first + LANES - later(bucket, unit);
    }

    /** The index of a run that has {@code unit} or lies behind it. */
    int lastRun(long unit) {
        return firstRun(bucket(unit) + 1);
    }

    long memoryBytes() {
        return buffer.sizeBytes();
    }

    boolean locked() {
        return buffer.locked();
    }

    @Override
    @SuppressWarnings("NullAway")
    public void close() {
        lanes = null;
        ints = null;
        buffer.close();
    }
}
