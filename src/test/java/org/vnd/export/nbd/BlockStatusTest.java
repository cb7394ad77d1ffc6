package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;

class BlockStatusTest {
    private static final long SIZE = 1L << 42;

    /** A disk that knows no more than {@code run} bytes at a time, and counts how often it is asked. */
    private static final class Ignorant implements BlockDevice {
        private final long run;
        private final boolean alternates;
        int questions;

        Ignorant(long run, boolean alternates) {
            this.run = run;
            this.alternates = alternates;
        }

        @Override
        public long sizeBytes() {
            return SIZE;
        }

        @Override
        public int blockSizeBytes() {
            return 4096;
        }

        @Override
        public boolean readOnly() {
            return false;
        }

        @Override
        public boolean trims() {
            return false;
        }

        @Override
        public boolean allocated(long offsetBytes) {
            questions++;
            return !alternates || offsetBytes / run % 2 == 0;
        }

        @Override
        public long runLengthBytes(long offsetBytes) {
            questions++;
            return run - offsetBytes % run;
        }

        @Override
        public void submit(BlockRequest request) {
            throw new AssertionError();
        }
    }

    private static ByteBuffer status(BlockDevice device, long offset, long length, boolean one) {
        ByteBuffer out = ByteBuffer.allocate(4096);
        return out.limit(new BlockStatus(device).encode(out, 0, 4096, offset, length, one))
                .position(4);
    }

    @Test
    void aFragmentedDiskIsAskedABoundedNumberOfTimes() {
        Ignorant disk = new Ignorant(4096, false);
        ByteBuffer answer = status(disk, 100, 0xffffffffL, false);
        assertTrue(disk.questions < 10_000, disk.questions + " questions");
        assertEquals(4096 * 4096 - 100, answer.getInt());
        assertEquals(0, answer.getInt());
        assertEquals(0, answer.remaining());
    }

    @Test
    void runsThatSayTheSameAreOneExtent() {
        ByteBuffer answer = status(new Ignorant(4096, false), 0, 1 << 20, false);
        assertEquals(1 << 20, answer.getInt());
        assertEquals(4 + 8, answer.limit());
    }

    @Test
    void anExtentLongerThanItsFieldIsCutAtAPage() {
        ByteBuffer answer = status(new Ignorant(SIZE, false), 0, 0xffffffffL, false);
        assertEquals(0xfffff000, answer.getInt());
        answer.getInt();
        // The rest, whose end is known too.
        assertEquals(0xfffff000, answer.getInt());
        answer.getInt();
        assertEquals(0, answer.remaining());
    }

    @Test
    void moreExtentsThanFitAreLeftOut() {
        ByteBuffer answer = status(new Ignorant(4096, true), 0, 1 << 30, false);
        assertEquals(511 * 8, answer.remaining());
        for (int n = 0; n < 511; n++) {
            assertEquals(4096, answer.getInt());
            assertEquals(n % 2 == 0 ? 0 : 3, answer.getInt());
        }
    }

    @Test
    void oneMeansOneWithinTheRange() {
        ByteBuffer answer = status(new Ignorant(SIZE, false), 5, 100, true);
        assertEquals(100, answer.getInt());
        assertEquals(4 + 8, answer.limit());
    }
}
