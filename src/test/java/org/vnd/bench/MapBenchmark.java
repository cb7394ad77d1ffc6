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
    private static final int LOOKUPS = 4_000_000;
    private static final int ROUNDS = 15;
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
        double build = median(() -> {
            long start = System.nanoTime();
            ExtentMap map = build(count);
            long nanos = System.nanoTime() - start;
            map.close();
            return (double) nanos / count;
        });
        try (ExtentMap map = build(count)) {
            double[] random = sorted(() -> random(map, false));
            double chained = median(() -> random(map, true));
            double sequential = median(() -> sequential(map));
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
        long place = map.place(offset, 4096);
        if (place != ExtentMap.UNTOLD) {
            return place;
        }
        int run = map.find(offset);
        return map.physicalBytes(run) + offset - map.startBytes(run);
    }

    private static double random(ExtentMap map, boolean chained) {
        long state = 88172645463325252L;
        long blocks = map.sizeBytes() >>> 12;
        long sum = 0;
        long start = System.nanoTime();
        for (int lookup = 0; lookup < LOOKUPS; lookup++) {
            // Knuth's MMIX: its upper bits are random enough, and it costs next to nothing beside a lookup.
            state = state * 6364136223846793005L + 1442695040888963407L;
            long offset = Math.multiplyHigh(state >>> 1, blocks << 1) << 12;
            long physical = lookup(map, offset);
            sum += physical;
            if (chained) {
                // Nothing is added, as extents are aligned, but neither compiler nor processor knows.
                state += physical & 1;
            }
        }
        long nanos = System.nanoTime() - start;
        sink += sum;
        return (double) nanos / LOOKUPS;
    }

    private static double sequential(ExtentMap map) {
        long sum = 0;
        long offset = 0;
        long start = System.nanoTime();
        for (int lookup = 0; lookup < LOOKUPS; lookup++) {
            sum += lookup(map, offset);
            offset += 4096;
            if (offset >= map.sizeBytes()) {
                offset = 0;
            }
        }
        long nanos = System.nanoTime() - start;
        sink += sum;
        return (double) nanos / LOOKUPS;
    }

    private interface Measured {
        double nanos() throws Exception;
    }

    private static double median(Measured measured) throws Exception {
        return sorted(measured)[ROUNDS / 2];
    }

    private static double[] sorted(Measured measured) throws Exception {
        double[] values = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            values[round] = measured.nanos();
        }
        Arrays.sort(values);
        return values;
    }
}
