package org.vnd.extent;

import java.nio.IntBuffer;
import java.nio.LongBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * The way from a unit of the file to its run, and to its place, that touches one cache line: a map may be much larger than
 * the processor's cache, and a lookup costs what its cache misses cost. The file is cut into equal buckets, with a line of 32
 * bytes for each, and one more as a sentinel:
 *
 * <pre>
 * long 0    4 × 16 bits   where in the bucket runs begin, less one, but for the one that has its first unit; {@link #NO_RUN}
 *                         behind the last; with the top bit set
 * int 2-6   5 × 32 bits   for those 4 from the last to the first, and for the run with the first unit: the place that the
 *                         first unit would have on the device, if the run began there; {@link #HOLE}; {@link #CROWDED} in
 *                         all five
 * int 7     32 bits       the index of the run with the first unit
 * </pre>
 *
 * <p>A line is crowded where more runs begin, which is rare if they are about as long; where the bucket is so large that 15
 * bits can't say where a run begins; and where places don't fit into 32 bits. Then the runs from this line's first to the
 * next one's are to be searched, which are few.
 *
 * <p>What counts is the number of instructions, since the processor does those of several lookups while it waits for memory;
 * and that no branch depends on the runs, which would be guessed wrong, and end that.
 */
final class LookupLines implements AutoCloseable {
    /** What {@link #place} says of a range that isn't in one run, or of which a line doesn't tell. */
    static final long UNTOLD = -2;

    private static final int LINE_BYTES = 32;
    private static final int LINE_LONGS = LINE_BYTES / Long.BYTES;
    private static final int LINE_INTS = LINE_BYTES / Integer.BYTES;
    private static final int LANES = 4;
    private static final int LANE_BITS = 15;
    private static final int NO_RUN = (1 << LANE_BITS) - 1;
    private static final int PLACES_INT = 2;
    private static final int FIRST_RUN_INT = 7;

    private static final long HOLE = 0xFFFF_FFFFL;
    private static final long CROWDED = 0xFFFF_FFFEL;

    /** In quarters. With four lanes, and lengths that don't vary much, hardly a bucket is crowded; 14 bytes a run. */
    private static final int QUARTER_RUNS_A_BUCKET = 9;
    /** Where runs take 16 bytes already, to stay at 24. */
    private static final int QUARTER_RUNS_A_BUCKET_WIDE = 17;

    /** A number times this has it in each lane. */
    private static final long EACH_LANE = 0x0001_0001_0001_0001L;

    private static final long TOP_BITS = EACH_LANE << LANE_BITS;

    private static final long UNSIGNED = 0xFFFF_FFFFL;

    /** Of the number of steps, so that a bucket's number is a multiplication's upper half without an error. */
    private static final int STEP_BITS = 31;

    private static final int MAGIC_SHIFT = 62;

    private final AlignedBuffer buffer;
    private final int stepShift;
    private final long bucketUnits;
    private final long magic;
    private final int laneShift;
    /** Null after close, as in {@link ExtentMap}. */
    private LongBuffer lanes;

    private IntBuffer ints;

    /** What lines are made of, in units. */
    interface Runs {
        int count();

        /** Of the sentinel, too: the end of the last run. */
        long start(int index);

        /** −1 for a hole. */
        long physical(int index);

        /** Whether places fit into 32 bits. */
        boolean narrow();
    }

    LookupLines(Runs runs) throws SysException {
        long sizeUnits = runs.start(runs.count());
        stepShift = Math.max(0, Long.SIZE - Long.numberOfLeadingZeros(sizeUnits - 1) - STEP_BITS);
        long sizeSteps = ((sizeUnits - 1) >>> stepShift) + 1;
        int quarterRuns = runs.narrow() ? QUARTER_RUNS_A_BUCKET : QUARTER_RUNS_A_BUCKET_WIDE;
        long buckets = Math.min(sizeSteps, (4L * runs.count() + quarterRuns - 1) / quarterRuns);
        long bucketSteps = (sizeSteps + buckets - 1) / buckets;
        buckets = (sizeSteps + bucketSteps - 1) / bucketSteps;
        // Exact, by Granlund and Montgomery's theorem, for numbers whose product with the divisor is at most 2^62.
        magic = (1L << MAGIC_SHIFT) / bucketSteps + 1;
        bucketUnits = bucketSteps << stepShift;
        int shift = 0;
        while (((bucketUnits - 1) >>> shift) >= NO_RUN) {
            shift++;
        }
        laneShift = shift;
        buffer = new AlignedBuffer(((int) buckets + 1) * LINE_BYTES);
        lanes = buffer.bytes().asLongBuffer();
        ints = buffer.bytes().asIntBuffer();
        int run = 0;
        for (int bucket = 0; bucket < buckets; bucket++) {
            assert bucket(bucket * bucketUnits) == bucket;
            run = fill(bucket, run, runs);
        }
        putFirstRun((int) buckets, runs.count() - 1);
    }

    /** Writes the line of {@code bucket}, whose first unit isn't before {@code run}; the last run that begins in it. */
    private int fill(int bucket, int run, Runs runs) {
        long start = bucket * bucketUnits;
        int first = run;
        while (runs.start(first + 1) <= start) {
            first++;
        }
        putFirstRun(bucket, first);
        boolean told = runs.narrow() && putRun(bucket, LANES, runs.physical(first), start - runs.start(first));
        int index = first + 1;
        long starts = 0;
        int lane = 0;
        for (; index < runs.count() && runs.start(index) < start + bucketUnits; index++) {
            long into = runs.start(index) - start;
            told = told && lane < LANES && (into >>> laneShift) << laneShift == into;
            if (told) {
                starts |= ((into >>> laneShift) - 1) << (lane * Short.SIZE);
                lane++;
                told = putRun(bucket, LANES - lane, runs.physical(index), -into);
            }
        }
        for (; lane < LANES; lane++) {
            starts |= (long) NO_RUN << (lane * Short.SIZE);
        }
        lanes.put(bucket * LINE_LONGS, starts | TOP_BITS);
        for (int later = 0; !told && later <= LANES; later++) {
            putPlace(bucket, later, CROWDED);
        }
        return index - 1;
    }

    /** False if it would be taken for something else. */
    private boolean putRun(int bucket, int later, long physical, long add) {
        long place = physical == ExtentMap.HOLE ? HOLE : physical + add & UNSIGNED;
        putPlace(bucket, later, place);
        return physical == ExtentMap.HOLE || place < CROWDED;
    }

    private void putPlace(int bucket, int later, long place) {
        ints.put(bucket * LINE_INTS + PLACES_INT + later, (int) place);
    }

    private void putFirstRun(int bucket, int run) {
        ints.put(bucket * LINE_INTS + FIRST_RUN_INT, run);
    }

    private int firstRun(int bucket) {
        return ints.get(bucket * LINE_INTS + FIRST_RUN_INT);
    }

    private long placeOf(int bucket, int later) {
        return ints.get(bucket * LINE_INTS + PLACES_INT + later) & UNSIGNED;
    }

    private int bucket(long unit) {
        return (int) Math.multiplyHigh((unit >>> stepShift) << (Long.SIZE - MAGIC_SHIFT), magic);
    }

    /** How many of the line's lanes are behind {@code intoUnits} of the bucket, those without a run among them. */
    private int later(int bucket, long intoUnits) {
        // In each lane: what is subtracted leaves the top bit set unless it is more, and nothing is borrowed.
        long key = (intoUnits >>> laneShift) * EACH_LANE;
        return Long.bitCount(lanes.get(bucket * LINE_LONGS) - key & TOP_BITS);
    }

    /**
     * Where {@code unit} lies on the device, if those up to {@code lastUnit} are in the same run: {@link ExtentMap#HOLE} if
     * it has no storage, {@link #UNTOLD} otherwise.
     */
    long place(long unit, long lastUnit) {
        int bucket = bucket(unit);
        long into = unit - bucket * bucketUnits;
        int later = later(bucket, into);
        long place = placeOf(bucket, later);
        if (place >= CROWDED) {
            return place == HOLE && sameRun(bucket, later, into + (lastUnit - unit)) ? ExtentMap.HOLE : UNTOLD;
        }
        if (lastUnit != unit && !sameRun(bucket, later, into + (lastUnit - unit))) {
            return UNTOLD;
        }
        return place + into & UNSIGNED;
    }

    private boolean sameRun(int bucket, int later, long into) {
        return into < bucketUnits && later(bucket, into) == later;
    }

    /** The index of the run that has {@code unit}; if the line is crowded, the complement of that of one at or before it. */
    int run(long unit) {
        int bucket = bucket(unit);
        int first = firstRun(bucket);
        return placeOf(bucket, 0) == CROWDED ? ~first : first + LANES - later(bucket, unit - bucket * bucketUnits);
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
