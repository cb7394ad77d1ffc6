package org.vnd.extent;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * The way from a unit of the file to its place that touches one cache line: a map may be much larger than the processor's
 * cache, and a lookup costs what its cache misses cost. The file is cut into equal buckets, with a line of 64
 * bytes for each, and one more as a sentinel. A unit times {@link #scale} is the bucket's number and, behind the binary
 * point, how far into the bucket it is, of which the first 11 bits are its tick:
 *
 * <pre>
 * long 0-1   10 × 12 bits   the lanes: in ascending order the ticks from which on another run is told of; {@link #NO_RUN}
 *                           behind the last
 * int 4-14   11 × 32 bits   for the run that has the bucket's first unit, and for each lane: what to add to a unit to get
 *                           its place on the device, modulo 2^32; {@link #HOLE}; {@link #UNKNOWN}
 * int 15     32 bits        the index of the run with the first unit
 * </pre>
 *
 * <p>A run takes a lane, unless it begins with the bucket. In a bucket with more units than ticks the run before may have a
 * part of a run's first tick: that is then unknown, and takes a lane of its own. Unknown is also what lies behind the last
 * lane if ten aren't enough, which is rare if runs are about as long; a run whose displacement looks like a mark; and all if
 * places don't fit into 32 bits. Then the runs from this line's first to the next one's are to be searched, which are few.
 *
 * <p>What counts is that the lines are small, since the cache is shared with others; then the number of instructions, since
 * the processor does those of several lookups while it waits for memory; and that no branch depends on the runs, which
 * would be guessed wrong, and end that.
 */
final class LookupLines implements AutoCloseable {
    /** What {@link #displacement} says of a range that isn't in one run, or of which a line doesn't tell. */
    static final long UNTOLD = -2;

    private static final int LINE_BYTES = 64;
    static final int LINE_INTS = LINE_BYTES / Integer.BYTES;
    static final int LANES_A_LONG = 5;
    static final int LANES = 2 * LANES_A_LONG;
    static final int LANE_BITS = 12;
    private static final int TICK_BITS = LANE_BITS - 1;
    private static final int TICKS = 1 << TICK_BITS;
    static final int TICK_SHIFT = Long.SIZE - TICK_BITS;
    /** Behind all ticks. */
    static final long NO_RUN = TICKS;

    static final int DISPLACEMENTS_INT = 4;
    static final int FIRST_RUN_INT = 15;

    static final long HOLE = 0xFFFF_FFFFL;
    static final long UNKNOWN = 0xFFFF_FFFEL;

    /** In eighths. With ten lanes, and lengths that don't vary much, hardly a unit is unknown; 7.8 bytes a run. */
    private static final int EIGHTH_RUNS_A_BUCKET = 66;
    /** Where runs may take two lanes; 15.5 bytes a run, with the entry nearly the 24 that a map may take. */
    private static final int EIGHTH_RUNS_A_LARGE_BUCKET = 33;

    /** A number times this has it in each lane. */
    static final long EACH_LANE = 0x0001_0010_0100_1001L;

    static final long NO_RUNS = EACH_LANE * NO_RUN;

    static final long UNSIGNED = 0xFFFF_FFFFL;

    /** Take fewer instructions than the buffer's own methods. */
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private static final VarHandle INTS = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private final AlignedBuffer buffer;
    private final int buckets;
    private final boolean narrow;
    /** Buckets a unit, times 2^64. */
    private final long scale;
    /** Null after close, as in {@link ExtentMap}. */
    private ByteBuffer bytes;

    /**
     * Room for the lines of {@code runs} runs of together {@code sizeUnits}, which {@link #writer} writes.
     *
     * @param narrow whether places fit into 32 bits
     */
    LookupLines(int runs, long sizeUnits, boolean narrow) throws SysException {
        this.narrow = narrow;
        int few = buckets(runs, EIGHTH_RUNS_A_BUCKET);
        // Where places don't fit in, more lines would be of no use, and take the room that entries need there.
        buckets = narrow && sizeUnits / few > TICKS ? buckets(runs, EIGHTH_RUNS_A_LARGE_BUCKET) : few;
        // Below 2^63, also for files of one unit or two; all others have two units a bucket, and more.
        scale = BigInteger.valueOf(buckets)
                .shiftLeft(Long.SIZE)
                .divide(BigInteger.valueOf(sizeUnits))
                .min(BigInteger.valueOf(Long.MAX_VALUE))
                .longValueExact();
        assert bucket(sizeUnits - 1) == buckets - 1;
        buffer = new AlignedBuffer((buckets + 1) * LINE_BYTES);
        bytes = buffer.bytes();
    }

    private static int buckets(int runs, int eighthRuns) {
        return (int) ((8L * runs + eighthRuns - 1) / eighthRuns);
    }

    /** To be given all runs, and finished, before the first lookup. */
    LineWriter writer() {
        return new LineWriter(bytes.asIntBuffer(), scale, buckets, narrow);
    }

    private int bucket(long unit) {
        return (int) Math.multiplyHigh(unit, scale);
    }

    /** How many of the line's lanes begin at or before {@code unit} of the bucket. */
    private int begun(int bucket, long unit) {
        // In each lane the tick, and above it a bit that stays unless more than the tick is subtracted; nothing is
        // borrowed.
        long ticks = ((unit * scale) >>> TICK_SHIFT | NO_RUN) * EACH_LANE;
        int line = bucket * LINE_BYTES;
        return Long.bitCount(ticks - (long) LONGS.get(bytes, line) & NO_RUNS)
                + Long.bitCount(ticks - (long) LONGS.get(bytes, line + Long.BYTES) & NO_RUNS);
    }

    /**
     * What to add to {@code unit} to get its place on the device, modulo 2^32, if those up to {@code lastUnit} are in the
     * same run: {@link ExtentMap#HOLE} if it has no storage, {@link #UNTOLD} otherwise.
     */
    long displacement(long unit, long lastUnit) {
        int bucket = bucket(unit);
        int begun = begun(bucket, unit);
        long displacement =
                (int) INTS.get(bytes, bucket * LINE_BYTES + (DISPLACEMENTS_INT + begun) * Integer.BYTES) & UNSIGNED;
        if (displacement >= UNKNOWN) {
            return displacement == HOLE && sameRun(bucket, begun, lastUnit) ? ExtentMap.HOLE : UNTOLD;
        }
        if (lastUnit != unit && !sameRun(bucket, begun, lastUnit)) {
            return UNTOLD;
        }
        return displacement;
    }

    private boolean sameRun(int bucket, int begun, long unit) {
        return bucket(unit) == bucket && begun(bucket, unit) == begun;
    }

    /** The index of a run that has {@code unit} or lies before it. */
    int firstRun(long unit) {
        return firstRunOf(bucket(unit));
    }

    /** The index of a run that has {@code unit} or lies behind it. */
    int lastRun(long unit) {
        return firstRunOf(bucket(unit) + 1);
    }

    private int firstRunOf(int bucket) {
        return bytes.getInt(bucket * LINE_BYTES + FIRST_RUN_INT * Integer.BYTES);
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
        bytes = null;
        buffer.close();
    }
}
