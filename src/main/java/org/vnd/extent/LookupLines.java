package org.vnd.extent;

import java.nio.LongBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * The way from a unit of the file to its run, and to its place, that touches one cache line: a map may be much larger than
 * the processor's cache, and a lookup costs what its cache misses cost. The file is cut into equal buckets, with a line
 * for each, and one more as a sentinel:
 *
 * <pre>
 * words 0, 1  8 × 16 bits   where in the bucket runs begin, but for the one that has its first unit; {@link #NO_RUN} behind
 *                           the last
 * words 2-6   9 × 32 bits   for the run with the first unit, and for those 8: the place that the first unit would have on
 *                           the device, if the run began there; {@link #HOLE}; {@link #CROWDED} in all nine
 *             32 bits       the index of the run with the first unit
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

    private static final int LINE_WORDS = 8;
    private static final int LANES = 8;
    private static final int LANES_A_WORD = 4;
    private static final int LANE_BITS = 15;
    private static final int NO_RUN = (1 << LANE_BITS) - 1;
    private static final int PLACES_WORD = 2;
    /** Where a tenth place would be. */
    private static final int FIRST_RUN = 9;

    private static final long HOLE = 0xFFFF_FFFFL;
    private static final long CROWDED = 0xFFFF_FFFEL;

    /** With eight lanes, and lengths that don't vary much, hardly a bucket is crowded; and it is 13 bytes a run. */
    private static final int RUNS_A_BUCKET = 5;
    /** Where runs take 16 bytes already, to stay below 24. */
    private static final int RUNS_A_BUCKET_WIDE = 9;

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
    private LongBuffer words;

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
        int runsABucket = runs.narrow() ? RUNS_A_BUCKET : RUNS_A_BUCKET_WIDE;
        long buckets = Math.min(sizeSteps, (runs.count() + runsABucket - 1) / runsABucket);
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
        buffer = new AlignedBuffer((int) (buckets + 1) * LINE_WORDS * Long.BYTES);
        words = buffer.bytes().asLongBuffer();
        int run = 0;
        for (int bucket = 0; bucket < buckets; bucket++) {
            assert bucket(bucket * bucketUnits) == bucket;
            run = fill(bucket, run, runs);
        }
        putPlace((int) buckets * LINE_WORDS, FIRST_RUN, runs.count() - 1);
    }

    /** Writes the line of {@code bucket}, whose first unit isn't before {@code run}; the last run that begins in it. */
    private int fill(int bucket, int run, Runs runs) {
        int line = bucket * LINE_WORDS;
        long start = bucket * bucketUnits;
        int first = run;
        while (runs.start(first + 1) <= start) {
            first++;
        }
        putPlace(line, FIRST_RUN, first);
        boolean told = runs.narrow() && putRun(line, 0, runs.physical(first), start - runs.start(first));
        int index = first + 1;
        int lane = 0;
        for (; index < runs.count() && runs.start(index) < start + bucketUnits; index++) {
            long into = runs.start(index) - start;
            told = told && lane < LANES && (into >>> laneShift) << laneShift == into;
            if (told) {
                putLane(line, lane, into >>> laneShift);
                lane++;
                told = putRun(line, lane, runs.physical(index), -into);
            }
        }
        for (; lane < LANES; lane++) {
            putLane(line, lane, NO_RUN);
        }
        for (int number = 0; !told && number <= LANES; number++) {
            putPlace(line, number, CROWDED);
        }
        return index - 1;
    }

    /** False if it would be taken for something else. */
    private boolean putRun(int line, int number, long physical, long add) {
        long place = physical == ExtentMap.HOLE ? HOLE : physical + add & UNSIGNED;
        putPlace(line, number, place);
        return physical == ExtentMap.HOLE || place < CROWDED;
    }

    private void putPlace(int line, int number, long place) {
        int word = line + PLACES_WORD + (number >>> 1);
        int shift = (number & 1) * Integer.SIZE;
        words.put(word, (words.get(word) & ~(UNSIGNED << shift)) | place << shift);
    }

    private void putLane(int line, int lane, long value) {
        int word = line + lane / LANES_A_WORD;
        int shift = lane % LANES_A_WORD * Short.SIZE;
        words.put(word, (words.get(word) & ~(0xFFFFL << shift)) | value << shift);
    }

    private long place(int line, int number) {
        return words.get(line + PLACES_WORD + (number >>> 1)) >>> ((number & 1) << 5) & UNSIGNED;
    }

    private int bucket(long unit) {
        return (int) Math.multiplyHigh((unit >>> stepShift) << (Long.SIZE - MAGIC_SHIFT), magic);
    }

    /** How many of the line's lanes are at or before {@code intoUnits}, of the bucket. */
    private int lanes(int line, long intoUnits) {
        // In each lane: with the top bit set, what is subtracted leaves it set unless it is more; nothing is borrowed.
        long key = (intoUnits >>> laneShift) * EACH_LANE | TOP_BITS;
        return Long.bitCount(key - words.get(line) & TOP_BITS) + Long.bitCount(key - words.get(line + 1) & TOP_BITS);
    }

    /**
     * Where {@code unit} lies on the device, if those up to {@code lastUnit} are in the same run: {@link ExtentMap#HOLE} if
     * it has no storage, {@link #UNTOLD} otherwise.
     */
    long place(long unit, long lastUnit) {
        int bucket = bucket(unit);
        int line = bucket * LINE_WORDS;
        long into = unit - bucket * bucketUnits;
        int lane = lanes(line, into);
        long place = place(line, lane);
        if (place >= CROWDED) {
            return place == HOLE && sameRun(line, lane, into + (lastUnit - unit)) ? ExtentMap.HOLE : UNTOLD;
        }
        if (lastUnit != unit && !sameRun(line, lane, into + (lastUnit - unit))) {
            return UNTOLD;
        }
        return place + into & UNSIGNED;
    }

    private boolean sameRun(int line, int lane, long into) {
        return into < bucketUnits && lanes(line, into) == lane;
    }

    /** The index of the run that has {@code unit}; if the line is crowded, the complement of that of one at or before it. */
    int run(long unit) {
        int bucket = bucket(unit);
        int line = bucket * LINE_WORDS;
        int first = (int) place(line, FIRST_RUN);
        return place(line, 0) == CROWDED ? ~first : first + lanes(line, unit - bucket * bucketUnits);
    }

    /** The index of a run that has {@code unit} or lies behind it. */
    int lastRun(long unit) {
        return (int) place((bucket(unit) + 1) * LINE_WORDS, FIRST_RUN);
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
        words = null;
        buffer.close();
    }
}
