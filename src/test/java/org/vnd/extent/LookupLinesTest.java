package org.vnd.extent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What {@link LookupLines} tell of by way of {@link ExtentMap#place}, against the place of each unit. */
class LookupLinesTest {

    /** Small maps, looked through entirely: buckets of whole and of broken numbers of units, places just beside the runs. */
    @Test
    void everyRangeOfASmallMapIsRight() throws Exception {
        long seed = Long.getLong("vnd.seed", System.nanoTime());
        Random random = new Random(seed);
        int told = 0;
        for (int size = 1; size <= 128; size += size < 64 ? 1 : 16) {
            for (int round = 0; round < 20; round++) {
                long[] places = new long[size];
                int longest = 1 + random.nextInt(8);
                try (ExtentMapBuilder builder = new ExtentMapBuilder(size * 4096L)) {
                    for (int unit = 0; unit < size; ) {
                        int length = Math.min(size - unit, 1 + random.nextInt(longest));
                        long place = random.nextInt(6) == 0 ? -1 : Math.max(0, unit + 3L - random.nextInt(7));
                        for (int into = 0; into < length; into++) {
                            places[unit + into] = place < 0 ? -1 : place + into;
                        }
                        if (place >= 0) {
                            builder.addData(unit * 4096L, place * 4096, length * 4096L);
                        }
                        unit += length;
                    }
                    try (ExtentMap map = builder.build()) {
                        told += checkEveryRange(map, places, "-Dvnd.seed=" + seed + ", size " + size);
                    }
                }
            }
        }
        assertTrue(told > 25_000, told + " told");
    }

    private static int checkEveryRange(ExtentMap map, long[] places, String where) {
        int told = 0;
        for (int from = 0; from < places.length; from++) {
            int run = map.find(from * 4096L);
            long found = map.hole(run) ? -1 : (map.physicalBytes(run) - map.startBytes(run)) / 4096 + from;
            assertEquals(places[from], found, "unit " + from + ", " + where);
            for (int to = from; to < places.length; to++) {
                told += toldRightly(map, places, from, to, where);
            }
        }
        return told;
    }

    /** Buckets with more units than ticks, and several beginnings close together: in one tick, and on both sides of its end. */
    @Test
    void everyUnitOfALargeBucketIsRight() throws Exception {
        long seed = Long.getLong("vnd.seed", System.nanoTime());
        Random random = new Random(seed);
        long told = 0;
        long looked = 0;
        for (int round = 0; round < 60; round++) {
            String where = "-Dvnd.seed=" + seed + ", round " + round;
            int size = 2 + random.nextInt(1 << 11 + random.nextInt(7));
            TreeSet<Integer> starts = new TreeSet<>(List.of(0));
            for (int cluster = random.nextInt(1 + size / 1000); cluster >= 0; cluster--) {
                int at = random.nextInt(size);
                int spread = 1 + random.nextInt(1 << random.nextInt(8));
                for (int more = random.nextInt(8); more >= 0; more--) {
                    starts.add(Math.min(size - 1, at + random.nextInt(spread)));
                }
            }
            long[] places = new long[size];
            try (ExtentMapBuilder builder = new ExtentMapBuilder(size * 4096L)) {
                for (int start : starts) {
                    Integer next = starts.higher(start);
                    int length = (next == null ? size : next) - start;
                    boolean hole = random.nextInt(4) == 0;
                    int place = random.nextInt(1 << 30);
                    for (int into = 0; into < length; into++) {
                        places[start + into] = hole ? -1 : place + into;
                    }
                    if (!hole) {
                        builder.addData(start * 4096L, place * 4096L, length * 4096L);
                    }
                }
                try (ExtentMap map = builder.build()) {
                    looked += size;
                    for (int unit = 0; unit < size; unit++) {
                        told += toldRightly(map, places, unit, unit, where);
                        toldRightly(map, places, unit, Math.min(size - 1, unit + random.nextInt(size)), where);
                        toldRightly(map, places, unit, Math.min(size - 1, unit + random.nextInt(8)), where);
                    }
                }
            }
        }
        assertTrue(told > looked * 7 / 10, told + " of " + looked + " told, -Dvnd.seed=" + seed);
    }

    /** How many of these ranges, none or one, are told of; that is right. */
    private static int toldRightly(ExtentMap map, long[] places, int from, int to, String where) {
        long place = map.place(from * 4096L, (to - from + 1) * 4096L);
        if (place == ExtentMap.UNTOLD) {
            return 0;
        }
        String range = "units " + from + " to " + to + ", " + where;
        assertEquals(places[from] < 0 ? ExtentMap.HOLE : places[from] * 4096, place, range);
        assertTrue(to * 4096L < map.endBytes(map.find(from * 4096L)), range);
        return 1;
    }

    /** That a lookup needs no search is what the lines are for. */
    @Test
    void aBlockIsNearlyAlwaysFoundAtOnce() throws Exception {
        long seed = Long.getLong("vnd.seed", System.nanoTime());
        Random random = new Random(seed);
        int count = 100_000;
        for (int longest : new int[] {1, 2, 7, 100, 5000}) {
            int[] blocks = random.ints(count, 1, longest + 1).toArray();
            long size =
                    Arrays.stream(blocks).mapToLong(length -> length * 4096L).sum();
            try (ExtentMapBuilder builder = new ExtentMapBuilder(size)) {
                long position = 0;
                for (int index = 0; index < count; index++) {
                    builder.addData(position, (index * 7919L % count) * 4096L * longest, blocks[index] * 4096L);
                    position += blocks[index] * 4096L;
                }
                try (ExtentMap map = builder.build()) {
                    int untold = 0;
                    for (int lookup = 0; lookup < 10_000; lookup++) {
                        long offset = (long) (random.nextDouble() * (size >>> 12)) << 12;
                        untold += map.place(offset, 4096) == ExtentMap.UNTOLD ? 1 : 0;
                    }
                    assertTrue(untold < 1000, untold + " of 10000 untold, up to " + longest + ", -Dvnd.seed=" + seed);
                }
            }
        }
    }
}
