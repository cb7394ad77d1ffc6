package org.vnd.extent;

import static org.vnd.extent.LookupLines.CROWDED;
import static org.vnd.extent.LookupLines.DISPLACEMENTS_INT;
import static org.vnd.extent.LookupLines.FIRST_RUN_INT;
import static org.vnd.extent.LookupLines.HOLE;
import static org.vnd.extent.LookupLines.LANES;
import static org.vnd.extent.LookupLines.LINE_INTS;
import static org.vnd.extent.LookupLines.NO_RUN;
import static org.vnd.extent.LookupLines.TICK_SHIFT;
import static org.vnd.extent.LookupLines.TOP_BITS;
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
    private static final int CHUNK_LINES = 64;

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
    private int displacement;
    /** False if that looks like something else. */
    private boolean tellable;

    private int bucket = -1;
    /** The first unit of the next bucket, and how far it is behind the next bucket's beginning, in scale's measure. */
    private long nextUnit;

    private long nextInto;
    /** Where in the chunk the bucket's line is. */
    private int line;
    /** The lanes, and how many have a run. */
    private long starts;

    private int lane;
    /** Whether the line can tell of all its runs. */
    private boolean told;

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
        boolean hole = physicalUnit == ExtentMap.HOLE;
        displacement = hole ? (int) HOLE : (int) (physicalUnit - startUnit);
        tellable = hole || (displacement & UNSIGNED) < CROWDED;
        if (startUnit == nextUnit) {
            next();
        } else {
            addToLine(startUnit * scale);
        }
    }

    private void addToLine(long into) {
        long tick = into >>> TICK_SHIFT;
        told &= lane < LANES && (into - scale) >>> TICK_SHIFT < tick;
        if (told) {
            starts -= (NO_RUN - tick + 1) << (lane * Short.SIZE);
            lane++;
            chunk[line + DISPLACEMENTS_INT + LANES - lane] = displacement;
            told = tellable;
        }
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
        starts = TOP_BITS | LookupLines.EACH_LANE * NO_RUN;
        lane = 0;
        told = narrow && tellable;
        // What marks a crowded line, and may be left from another.
        chunk[line + DISPLACEMENTS_INT] = 0;
        chunk[line + DISPLACEMENTS_INT + LANES] = displacement;
        chunk[line + FIRST_RUN_INT] = run;
    }

    private void end() {
        chunk[line + HIGH_INT] = (int) (starts >>> Integer.SIZE);
        chunk[line + 1 - HIGH_INT] = (int) starts;
        if (!told) {
            for (int later = 0; later <= LANES; later++) {
                chunk[line + DISPLACEMENTS_INT + later] = (int) CROWDED;
            }
        }
    }
}
