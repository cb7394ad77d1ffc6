package org.vnd.bench;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;

/**
 * What a lookup in the map takes, with 1, 1,000 and 1,000,000 extents, and what it takes to build. Prints the median of
 * several runs, and of random lookups the least, too: a machine's neighbours share its cache, and only ever add.
 *
 * <p>"random" are lookups of which none waits for the answer of the one before, as with the requests of a queue, so the
 * processor overlaps their cache misses. In "chained" each needs the answer of the one before: the full latency, and
 * where the map is larger than the processor's cache, that of memory.
 */
public final class MapBenchmark {
    private static final long BLOCK_BYTES = 4096;
    private static final int LOOKUPS = 1 << 20;
    private static final int ROUNDS = 45;
    private static final int BUILDS = 9;
    private static long sink;

    private MapBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        System.out.println("extents      random ns  (least)  chained ns  sequential ns  build ns/extent  bytes/extent");
        // The small ones again at the end: the first pass warms the compiler up.
        for (int count : new int[] {1, 1000, 1_000_000, 1, 1000, 1_000_000}) {
            run(count);
        }
        System.out.println("(first three lines: warm-up; checksum " + sink + ")");
    }

    private static void run(int count) throws Exception {
        double build = nanos(BUILDS, () -> {
                    try (ExtentMap map = build(count)) {
                        return map.count();
                    }
                })[BUILDS / 2]
                / count;
        try (ExtentMap map = build(count)) {
            // Drawn before, so that only lookups are timed.
            int[] blocks = new SplittableRandom(11)
                    .ints(LOOKUPS, 0, (int) (map.sizeBytes() / BLOCK_BYTES))
                    .toArray();
            double[] random = lookups(() -> random(map, blocks));
            double chained = lookups(() -> chained(map, blocks))[ROUNDS / 2];
            double sequential = lookups(() -> sequential(map))[ROUNDS / 2];
            System.out.printf(
                    "%,9d  %11.1f  %7.1f  %10.1f  %13.1f  %15.1f  %12.1f%n",
                    count,
                    random[ROUNDS / 2],
                    random[0],
                    chained,
                    sequential,
                    build,
                    (double) map.memoryBytes() / count);
        }
    }

    /** Extents of 4 to 28 KiB, scattered; without holes, as those of every image of the physical engine. */
    private static ExtentMap build(int count) throws Exception {
        SplittableRandom random = new SplittableRandom(7);
        int[] blocks = random.ints(count, 1, 8).toArray();
        long sizeBytes =
                Arrays.stream(blocks).mapToLong(length -> length * 4096L).sum();
        try (ExtentMapBuilder builder = new ExtentMapBuilder(sizeBytes)) {
            long position = 0;
            for (int index = 0; index < count; index++) {
                builder.addData(position, (index * 2_654_435_761L & 0xFFFFFFFL) << 15, blocks[index] * 4096L);
                position += blocks[index] * 4096L;
            }
            return builder.build();
        }
    }

    /** As the engine does it. */
    private static long lookup(ExtentMap map, long offset) {
        long place = map.place(offset, BLOCK_BYTES);
        return place >= 0 ? place : search(map, offset);
    }

    private static long search(ExtentMap map, long offset) {
        int run = map.find(offset);
        return map.physicalBytes(run) + offset - map.startBytes(run);
    }

    private static long random(ExtentMap map, int[] blocks) {
        long sum = 0;
        for (int block : blocks) {
            sum += lookup(map, (long) block * BLOCK_BYTES);
        }
        return sum;
    }

    private static long chained(ExtentMap map, int[] blocks) {
        long place = 0;
        for (int block : blocks) {
            // Nothing is added, as extents are aligned, but neither compiler nor processor knows.
            place = lookup(map, block * BLOCK_BYTES + (place & 1));
        }
        return place;
    }

    private static long sequential(ExtentMap map) {
        long sum = 0;
        long offset = 0;
        for (int lookup = 0; lookup < LOOKUPS; lookup++) {
            sum += lookup(map, offset);
            offset += BLOCK_BYTES;
            if (offset >= map.sizeBytes()) {
                offset = 0;
            }
        }
        return sum;
    }

    private interface Measured {
        long run() throws Exception;
    }

    /** Nanoseconds a lookup, ascending. */
    private static double[] lookups(Measured measured) throws Exception {
        return Arrays.stream(nanos(ROUNDS, measured))
                .map(nanos -> nanos / LOOKUPS)
                .toArray();
    }

    private static double[] nanos(int rounds, Measured measured) throws Exception {
        double[] values = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            long start = System.nanoTime();
            sink += measured.run();
            values[round] = System.nanoTime() - start;
        }
        Arrays.sort(values);
        return values;
    }
}
