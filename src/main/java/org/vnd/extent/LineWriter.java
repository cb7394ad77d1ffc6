package org.vnd.extent;

import static org.vnd.extent.LookupLines.DISPLACEMENTS_INT;
import static org.vnd.extent.LookupLines.FIRST_RUN_INT;
import static org.vnd.extent.LookupLines.HOLE;
import static org.vnd.extent.LookupLines.LANES;
import static org.vnd.extent.LookupLines.LANES_A_LONG;
import static org.vnd.extent.LookupLines.LANE_BITS;
import static org.vnd.extent.LookupLines.LINE_INTS;
import static org.vnd.extent.LookupLines.NO_RUN;
import static org.vnd.extent.LookupLines.NO_RUNS;
import static org.vnd.extent.LookupLines.TICK_SHIFT;
import static org.vnd.extent.LookupLines.UNKNOWN;
import static org.vnd.extent.LookupLines.UNSIGNED;

import java.nio.ByteOrder;
import java.nio.IntBuffer;

/**
 * Writes the lines of {@link LookupLines} while the runs of a map go by, each once, in ascending order. Somebody waits for
 * his disk, and the JVM hasn't compiled much yet: so it works in an array, of which it copies many lines at once, and adds
 * where it could multiply.
 */
final class LineWriter {
    /** A power of two; a few KiB, which stay in the processor's cache. */
    private static final int CHUNK_LINES = 32;

    /** Which of the lanes' two ints has the higher half. */
    private static final int HIGH_INT = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 1 : 0;

    private final IntBuffer target;
    private final int buckets;
    private final boolean narrow;
    private final int[] chunk = new int[CHUNK_LINES * LINE_INTS];

    /** Buckets a unit, times 2^64. A bucket has {@link #units} units, and a remainder, in the same measure. */
    private final long scale;

    private final long units;
    private final long remainder;

    private int run = -1;
    /** Of the last run: what to add to its units, as a line has it. */
    private int displacement = (int) UNKNOWN;

    private int bucket = -1;
    /** The first unit of the next bucket, and how far it is behind the next bucket's beginning, in scale's measure. */
    private long nextUnit;

    private long nextInto;
    /** Where in the chunk the bucket's line is. */
    private int line;
    /** The ticks of the first lanes and of the others. */
    private long firstTicks;

    private long secondTicks;
    /** How many lanes are in use, and the tick of the last. */
    private int lane;

    private long lastTick;

    /** For {@code buckets} lines from the beginning of {@code target} on, and the sentinel. */
    LineWriter(IntBuffer target, long scale, int buckets, boolean narrow) {
        this.target = target;
        this.buckets = buckets;
        this.scale = scale;
        this.narrow = narrow;
        // 2^64 is one more than the largest number.
        long less = Long.remainderUnsigned(-1, scale) + 1;
        this.units = Long.divideUnsigned(-1, scale) + (less == scale ? 1 : 0);
        this.remainder = less == scale ? 0 : less;
    }

    /** The next run: from {@code startUnit} on, of which the first is 0, to {@code physicalUnit}, −1 for a hole. */
    void add(long startUnit, long physicalUnit) {
        // That after the last bucket of the largest file is 2^63.
        while (Long.compareUnsigned(startUnit, nextUnit) > 0) {
            next();
        }
        run++;
        if (narrow) {
            boolean hole = physicalUnit == ExtentMap.HOLE;
            // Before its place on the device by a unit or two, it looks like a mark.
            int difference = (int) (physicalUnit - startUnit);
            displacement = hole ? (int) HOLE : (difference & UNSIGNED) < UNKNOWN ? difference : (int) UNKNOWN;
        }
        if (startUnit == nextUnit) {
            next();
        } else if (narrow) {
            addToLine(startUnit * scale);
        }
    }

    /** The last run, which begins at {@code into} of the bucket, but not with its first unit. */
    private void addToLine(long into) {
        long tick = into >>> TICK_SHIFT;
        if ((into - scale) >>> TICK_SHIFT < tick) {
            addLane(tick, displacement);
            return;
        }
        // The run before has the tick's first units, and this one its last; others, in between, have said so already.
        if (lastTick <= tick) {
            addLane(tick, (int) UNKNOWN);
        }
        // Of lanes with the same tick the last counts; behind the last tick it looks like, and is, no run.
        addLane(tick + 1, displacement);
    }

    private void addLane(long tick, int told) {
        if (lane == LANES) {
            chunk[line + DISPLACEMENTS_INT + LANES] = (int) UNKNOWN;
            return;
        }
        if (lane < LANES_A_LONG) {
            firstTicks -= (NO_RUN - tick) << (lane * LANE_BITS);
        } else {
            secondTicks -= (NO_RUN - tick) << ((lane - LANES_A_LONG) * LANE_BITS);
        }
        lane++;
        lastTick = tick;
        chunk[line + DISPLACEMENTS_INT + lane] = told;
    }

    /** After the last run, which goes on to the last bucket. */
    void finish() {
        while (bucket < buckets) {
            next();
        }
        end();
        target.put((bucket - line / LINE_INTS) * LINE_INTS, chunk, 0, line + LINE_INTS);
    }

    /** Ends a line and begins the next, with the last run. */
    private void next() {
        if (bucket >= 0) {
            end();
        }
        bucket++;
        assert nextInto == nextUnit * scale && (nextUnit < 0 || bucket == Math.multiplyHigh(nextUnit, scale));
        boolean shorter = nextInto >= remainder;
        nextUnit += shorter ? units : units + 1;
        nextInto += shorter ? -remainder : scale - remainder;
        line = bucket % CHUNK_LINES * LINE_INTS;
        if (line == 0 && bucket > 0) {
            target.put((bucket - CHUNK_LINES) * LINE_INTS, chunk);
        }
        firstTicks = NO_RUNS;
        secondTicks = NO_RUNS;
        lane = 0;
        lastTick = -1;
        chunk[line + DISPLACEMENTS_INT] = displacement;
        chunk[line + FIRST_RUN_INT] = run;
    }

    private void end() {
        chunk[line + HIGH_INT] = (int) (firstTicks >>> Integer.SIZE);
        chunk[line + 1 - HIGH_INT] = (int) firstTicks;
        chunk[line + 2 + HIGH_INT] = (int) (secondTicks >>> Integer.SIZE);
        chunk[line + 3 - HIGH_INT] = (int) secondTicks;
    }
}
