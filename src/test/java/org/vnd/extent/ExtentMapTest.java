package org.vnd.extent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.vnd.sys.Errno;
import org.vnd.sys.SysException;

/** {@link ExtentMap} against a model that has no index, no merge and no memory of its own. */
class ExtentMapTest {

    @Test
    void oneRunCoversTheFileAndMoreThanTheFileIsCut() throws Exception {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(10_000)) {
            builder.addData(0, 4096, 12_288);
            builder.addData(12_288, 1_000_000, 4096);
            try (ExtentMap map = builder.build()) {
                assertEquals(1, map.count());
                assertEquals(0, map.startBytes(0));
                assertEquals(10_000, map.endBytes(0));
                assertEquals(4096, map.physicalBytes(0));
                assertFalse(map.hole(0));
                assertEquals(0, map.find(9_999));
                assertThrows(IndexOutOfBoundsException.class, () -> map.find(10_000));
                assertThrows(IndexOutOfBoundsException.class, () -> map.find(-1));
            }
        }
    }

    @Test
    void aFileWithoutStorageIsOneHole() throws Exception {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(1L << 50);
                ExtentMap map = builder.build()) {
            assertEquals(1, map.count());
            assertTrue(map.hole(0));
            assertEquals(1L << 50, map.endBytes(0));
            assertEquals(0, map.find((1L << 50) - 1));
        }
    }

    @Test
    void adjacentInTheFileAndOnTheDeviceIsOneRun() throws Exception {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(5 * 4096)) {
            builder.addData(0, 8192, 4096);
            builder.addData(4096, 12_288, 4096);
            // Adjacent on the device, but not in the file.
            builder.addData(3 * 4096, 16_384, 4096);
            // Adjacent in the file, but not on the device.
            builder.addData(4 * 4096, 0, 4096);
            try (ExtentMap map = builder.build()) {
                assertEquals(4, map.count());
                assertEquals(8192, map.endBytes(0));
                assertTrue(map.hole(1));
                assertEquals(16_384, map.physicalBytes(2));
                assertEquals(0, map.physicalBytes(3));
            }
        }
    }

    @Test
    void runsOutOfOrderAreRefused() throws Exception {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(1 << 20)) {
            builder.addData(8192, 0, 4096);
            assertThrows(IllegalArgumentException.class, () -> builder.addData(8192, 4096, 4096));
            assertThrows(IllegalArgumentException.class, () -> builder.addData(16_384, 4096, 0));
            assertThrows(IllegalArgumentException.class, () -> builder.addData(16_384, -1, 4096));
        }
    }

    @Test
    void equalContentIsEqualAndAnyDifferenceIsSeen() throws Exception {
        try (ExtentMap map = stripes(100, 0, 8192);
                ExtentMap same = stripes(100, 0, 8192);
                ExtentMap moved = stripes(100, 99, 8192);
                ExtentMap longer = stripes(101, 0, 8192);
                ExtentMap larger = stripes(100, 0, 12_288)) {
            assertTrue(map.contentEquals(same));
            assertFalse(map.contentEquals(moved));
            assertFalse(map.contentEquals(longer));
            assertFalse(map.contentEquals(larger));
        }
    }

    private static ExtentMap stripes(int count, int movedIndex, int tailBytes) throws Exception {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(count * 8192L + tailBytes)) {
            for (int index = 0; index < count; index++) {
                builder.addData(index * 8192L, (index == movedIndex ? 1 << 30 : 0) + index * 12_288L, 4096);
            }
            return builder.build();
        }
    }

    @Test
    void aMillionRunsTakeAtMost24BytesEach() throws Exception {
        // Short runs, runs so long that a bucket has more units than ticks, and places that don't fit into 32 bits.
        memory(1, 0);
        memory(300, 0);
        memory(1, 30);
    }

    private static void memory(int blocks, int physicalShift) throws Exception {
        int count = 1_000_000;
        long lengthBytes = blocks * 4096L;
        try (ExtentMapBuilder builder = new ExtentMapBuilder(count * lengthBytes)) {
            for (int index = 0; index < count; index++) {
                // Odd, so that the unit is a block.
                builder.addData(
                        index * lengthBytes, ((count - index) * 2L * blocks + 1) * 4096 << physicalShift, lengthBytes);
            }
            try (ExtentMap map = builder.build()) {
                assertEquals(count, map.count());
                assertTrue(map.memoryBytes() <= 24L * count, map.memoryBytes() + " bytes");
            }
        }
    }

    @Test
    void aClosedMapIsAnException() throws Exception {
        ExtentMap map = stripes(10, 0, 4096);
        map.close();
        assertThrows(NullPointerException.class, () -> map.find(0));
        assertThrows(NullPointerException.class, () -> map.place(0, 1));
    }

    @Test
    void everyLookupAgreesWithTheModel() throws Exception {
        long seed = Long.getLong("vnd.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            compareWithModel(random, "-Dvnd.seed=" + seed + ", round " + round);
        }
    }

    /** A random file, and a model that maps the start of each run to its physical offset, adjacent or not. */
    private static void compareWithModel(Random random, String where) throws Exception {
        int blockBytes = 512 << random.nextInt(4);
        // Runs of very different lengths put many into one bucket and leave others empty.
        int lengthBits = 1 + random.nextInt(20);
        int runs = random.nextInt(1 << random.nextInt(13));
        TreeMap<Long, Long> model = new TreeMap<>();
        model.put(0L, ExtentMap.HOLE);
        long position = 0;
        long physical = 0;
        int physicalBits = 1 + random.nextInt(50);
        long sizeBytes = random.nextBoolean() ? 1 + random.nextInt(1 << 30) : Long.MAX_VALUE >> 14;
        List<long[]> data = new ArrayList<>();
        try (ExtentMapBuilder builder = new ExtentMapBuilder(sizeBytes)) {
            for (int run = 0; run < runs; run++) {
                if (random.nextInt(3) == 0) {
                    position += (1L + random.nextInt(1 << random.nextInt(lengthBits))) * blockBytes;
                }
                if (random.nextBoolean()) {
                    physical = (random.nextLong() >>> 64 - physicalBits) * blockBytes;
                } else if (random.nextInt(4) == 0) {
                    // Around where 32 bits end.
                    physical = ((1L << 32) - random.nextInt(1 << random.nextInt(lengthBits + 1))) * blockBytes;
                }
                long length = (1L + random.nextInt(1 << random.nextInt(lengthBits))) * blockBytes;
                builder.addData(position, physical, length);
                data.add(new long[] {position, physical, length});
                model.put(position, physical);
                position += length;
                physical += length;
                model.put(position, ExtentMap.HOLE);
            }
            try (ExtentMap map = builder.build();
                    ExtentMap ofParts = ofParts(data, sizeBytes, blockBytes, random)) {
                assertTrue(map.contentEquals(ofParts), "in parts, " + where);
                assertEquals(map.holes(), ofParts.holes(), "in parts, " + where);
                checkCover(map, model, sizeBytes, where);
                checkLookups(map, model, Math.min(sizeBytes, position + 1 + random.nextInt(100_000)), random, where);
            }
        }
    }

    /** The same, cut anywhere; each part is told of every run that has bytes in it. */
    private static ExtentMap ofParts(List<long[]> data, long sizeBytes, int blockBytes, Random random)
            throws Exception {
        TreeSet<Long> starts = new TreeSet<>(List.of(0L));
        for (int cut = random.nextInt(6); cut > 0; cut--) {
            long[] near = data.isEmpty() ? new long[3] : data.get(random.nextInt(data.size()));
            long at = near[0] + random.nextInt(3) * near[2] / 2 / blockBytes * blockBytes;
            if (at < sizeBytes) {
                starts.add(at);
            }
        }
        ExtentMapBuilder whole = null;
        AtomicInteger room = ExtentMapBuilder.roomFor(starts.size());
        for (long start : starts) {
            Long next = starts.higher(start);
            ExtentMapBuilder part = new ExtentMapBuilder(start, next == null ? sizeBytes : next, room);
            for (long[] run : data) {
                if (run[0] + run[2] > start && (next == null || run[0] < next)) {
                    part.addData(run[0], run[1], run[2]);
                }
            }
            if (whole == null) {
                whole = part;
            } else {
                whole.add(part);
                part.close();
            }
        }
        return whole.build();
    }

    @Test
    void thePartsOfAFileShareTheRoomThereIs() throws Exception {
        AtomicInteger room = new AtomicInteger(2000);
        try (ExtentMapBuilder first = new ExtentMapBuilder(0, 10_000 * 4096L, room);
                ExtentMapBuilder second = new ExtentMapBuilder(10_000 * 4096L, 20_000 * 4096L, room)) {
            for (int run = 0; run < 700; run++) {
                first.addData(run * 8192L, run * 4096L, 4096);
            }
            SysException full = assertThrows(SysException.class, () -> {
                for (int run = 0; run < 2000; run++) {
                    second.addData((10_000 + run * 2) * 4096L, run * 4096L, 4096);
                }
            });
            assertEquals(Errno.EOVERFLOW, full.errno());
        }
    }

    @Test
    void theLargestFiles() throws Exception {
        for (int runs : new int[] {1, 2, 3, 1000}) {
            // Of all, of those whose places fit into 32 bits, and of those with the largest unit.
            large(Long.MAX_VALUE, 1, runs);
            large(0xFFFF_FFFEL << 12, 1 << 12, runs);
            large(0xFFFF_FFFEL << 30, 1 << 30, runs);
        }
    }

    private static void large(long sizeBytes, int unitBytes, int runs) throws Exception {
        long lengthBytes = sizeBytes / runs / unitBytes * unitBytes;
        try (ExtentMapBuilder builder = new ExtentMapBuilder(sizeBytes)) {
            for (int run = 0; run < runs; run++) {
                long length = run < runs - 1 ? lengthBytes : sizeBytes - run * lengthBytes;
                builder.addData(run * lengthBytes, (long) (runs - 1 - run) * Math.max(512, unitBytes), length);
            }
            try (ExtentMap map = builder.build()) {
                assertEquals(runs, map.count());
                for (int run = 0; run < runs; run++) {
                    long start = map.startBytes(run);
                    long last = map.endBytes(run) - 1;
                    assertEquals(run, map.find(start));
                    assertEquals(run, map.find(last));
                    for (long at : new long[] {start, last}) {
                        long place = map.place(at, 1);
                        assertTrue(
                                place == ExtentMap.UNTOLD || place == map.physicalBytes(run) + at - start,
                                place + " for byte " + at + " of " + sizeBytes);
                    }
                }
            }
        }
    }

    private static void checkCover(ExtentMap map, TreeMap<Long, Long> model, long sizeBytes, String where) {
        assertEquals(sizeBytes, map.sizeBytes(), where);
        assertEquals(0, map.startBytes(0), where);
        assertEquals(sizeBytes, map.endBytes(map.count() - 1), where);
        assertEquals(IntStream.range(0, map.count()).filter(map::hole).count(), map.holes(), where);
        for (int index = 0; index < map.count(); index++) {
            assertTrue(map.startBytes(index) < map.endBytes(index), where);
            assertEquals(physicalOf(model, map.startBytes(index)), map.physicalBytes(index), where);
            if (index > 0) {
                assertEquals(map.endBytes(index - 1), map.startBytes(index), where);
                long continued = map.hole(index - 1)
                        ? ExtentMap.HOLE
                        : map.physicalBytes(index - 1) + map.endBytes(index - 1) - map.startBytes(index - 1);
                assertTrue(map.physicalBytes(index) != continued, "not merged: " + where);
            }
        }
    }

    private static void checkLookups(
            ExtentMap map, TreeMap<Long, Long> model, long limit, Random random, String where) {
        for (int lookup = 0; lookup < 2000; lookup++) {
            long offset;
            if (random.nextInt(4) == 0) {
                int edge = random.nextInt(map.count());
                offset = random.nextBoolean() ? map.startBytes(edge) : map.endBytes(edge) - 1;
            } else {
                offset = (long) (random.nextDouble() * limit);
            }
            int run = map.find(offset);
            String at = "byte " + offset + ", " + where;
            assertTrue(map.startBytes(run) <= offset && offset < map.endBytes(run), at);
            long physical = map.hole(run) ? ExtentMap.HOLE : map.physicalBytes(run) + offset - map.startBytes(run);
            assertEquals(physicalOf(model, offset), physical, at);
            long rest = map.endBytes(run) - offset;
            long most = Math.min(2 * rest, map.sizeBytes() - offset);
            long length = switch (random.nextInt(4)) {
                case 0 -> rest;
                case 1 -> Math.min(rest + 1, most);
                default -> 1 + (long) (random.nextDouble() * most * 0.999);
            };
            long place = map.place(offset, length);
            String of = length + " bytes at " + at;
            if (place != ExtentMap.UNTOLD) {
                assertTrue(length <= rest, of);
                assertEquals(physical, place, of);
            }
        }
    }

    @Test
    void aRunMayGoOnBehindTheReachOf32Bits() throws Exception {
        long edge = 1L << 44;
        for (long begin :
                new long[] {edge - 7 * 4096, edge - 32 * 4096, edge - 31 * 4096, edge - 4096, edge, edge - 64 * 4096}) {
            try (ExtentMapBuilder builder = new ExtentMapBuilder(64 * 4096)) {
                // In two pieces, of which the second begins behind it.
                builder.addData(0, begin, 16 * 4096);
                builder.addData(16 * 4096, begin + 16 * 4096, 16 * 4096);
                builder.addData(32 * 4096, 4096 * 1000, 32 * 4096);
                try (ExtentMap map = builder.build()) {
                    for (long block = 0; block < 32; block++) {
                        long place = map.place(block * 4096, 4096);
                        long wanted = begin + block * 4096;
                        assertTrue(
                                place == wanted || place == ExtentMap.UNTOLD,
                                begin + ": block " + block + " at " + place);
                        int run = map.find(block * 4096);
                        assertEquals(wanted, map.physicalBytes(run) + block * 4096 - map.startBytes(run));
                    }
                }
            }
        }
    }

    @Test
    void whatHasMovedByAPowerOfTwoIsntTheSame() throws Exception {
        for (int shift : new int[] {12, 24, 26, 30}) {
            for (int by = 1; by < 8; by++) {
                try (ExtentMap map = oneRun(1L << shift, 3L << shift);
                        ExtentMap same = oneRun(1L << shift, 3L << shift);
                        ExtentMap moved = oneRun(1L << shift, 3L << (shift + by))) {
                    assertTrue(map.contentEquals(same));
                    assertFalse(map.contentEquals(moved), "3 << " + shift + ", moved by " + by);
                }
            }
        }
    }

    private static ExtentMap oneRun(long sizeBytes, long physicalBytes) throws Exception {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(sizeBytes)) {
            builder.addData(0, physicalBytes, sizeBytes);
            return builder.build();
        }
    }

    @Test
    void aRangeIsToldInItsPieces() throws Exception {
        try (ExtentMap map = stripes(3, 1, 4096)) {
            List<String> told = new ArrayList<>();
            map.pieces(1024, 2 * 8192, (physical, length) -> told.add(length + " at " + physical));
            assertEquals(
                    List.of("3072 at 1024", "4096 at -1", "4096 at 1073754112", "4096 at -1", "1024 at 24576"), told);
        }
    }

    @Test
    void nothingLiesBehindTheEnd() throws Exception {
        try (ExtentMap map = stripes(3, 0, 4096)) {
            long size = map.sizeBytes();
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(size, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(size - 1, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(-1, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(0, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(1, Long.MAX_VALUE));
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(Long.MAX_VALUE, Long.MAX_VALUE));
            assertThrows(IndexOutOfBoundsException.class, () -> map.place(1L << 62, (1L << 62) + 2 * size));
        }
    }

    private static long physicalOf(TreeMap<Long, Long> model, long offset) {
        Map.Entry<Long, Long> run = model.floorEntry(offset);
        return run.getValue() == ExtentMap.HOLE ? ExtentMap.HOLE : run.getValue() + offset - run.getKey();
    }
}
