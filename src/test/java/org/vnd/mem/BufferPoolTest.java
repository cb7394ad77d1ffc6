package org.vnd.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

@ExtendWith(Seeded.class)
class BufferPoolTest {
    private static final int PAGE = AlignedBuffer.PAGE_BYTES;

    private record Run(int index, int sizeBytes) {}

    @Test
    void runsAreApartAndWhatFitsIsFound(SeededRandom random) throws Exception {
        for (int pages : new int[] {1, 63, 64, 65, 200, 1000}) {
            try (AlignedBuffer arena = new AlignedBuffer(pages * PAGE)) {
                BufferPool pool = new BufferPool(arena);
                BitSet used = new BitSet();
                List<Run> runs = new ArrayList<>();
                for (int step = 0; step < 5000; step++) {
                    if (!runs.isEmpty() && random.oneIn(2)) {
                        Run run = runs.remove(random.below(runs.size()));
                        pool.release(run.index, run.sizeBytes);
                        used.clear(run.index / PAGE, run.index / PAGE + BufferPool.pagesFor(run.sizeBytes));
                    } else {
                        int size = (int) random.length((long) pages * PAGE);
                        int count = BufferPool.pagesFor(size);
                        int index = pool.acquire(size);
                        assertEquals(lowestFit(used, pages, count), index == BufferPool.NONE ? -1 : index / PAGE);
                        if (index != BufferPool.NONE) {
                            used.set(index / PAGE, index / PAGE + count);
                            runs.add(new Run(index, size));
                        }
                    }
                    assertEquals((long) (pages - used.cardinality()) * PAGE, pool.freeBytes());
                }
            }
        }
    }

    private static int lowestFit(BitSet used, int pages, int count) {
        int from = used.nextClearBit(0);
        while (from + count <= pages) {
            int end = used.nextSetBit(from);
            if (end < 0 || end >= from + count) {
                return from;
            }
            from = used.nextClearBit(end);
        }
        return -1;
    }

    @Test
    void givingBackTwiceIsNoticed() throws Exception {
        try (AlignedBuffer arena = new AlignedBuffer(8 * PAGE)) {
            BufferPool pool = new BufferPool(arena);
            int first = pool.acquire(PAGE);
            int second = pool.acquire(PAGE);
            assertNotEquals(first, second);
            pool.release(first, PAGE);
            assertFalse(pool.acquire(2 * PAGE) == first, "one page is not two");
            assertThrows(AssertionError.class, () -> pool.release(first, PAGE));
        }
    }
}
