package org.vnd.bench;

import java.nio.ByteBuffer;
import org.vnd.image.AttachListener;
import org.vnd.image.AttachRequest;
import org.vnd.image.AttachedImage;
import org.vnd.image.LockStep;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.Fiemap;
import org.vnd.sys.abi.FiemapExtent;

/**
 * What attaching a file physically takes, step by step, beside what the FIEMAP calls for its extents take alone. The
 * argument is the file. It is attached and detached, nothing is written to it.
 */
public final class AttachBenchmark {
    private static final int ROUNDS = 5;
    private static final int BATCH_EXTENTS = 1024;

    private AttachBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        String path = arguments[0];
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            int extents = readExtents(path);
            double callMillis = millisSince(start);
            Steps steps = new Steps();
            start = System.nanoTime();
            AttachRequest request = new AttachRequest(path, "vnd0", AttachRequest.Engine.PHYSICAL, true, false, 0, 0);
            AttachedImage image = AttachedImage.attach(request, steps);
            double attachMillis = millisSince(start);
            steps.end();
            image.lock().release(AttachListener.NONE);
            System.out.printf(
                    "%,d extents: FIEMAP calls alone %.1f ms, attach %.1f ms:%s%n",
                    extents, callMillis, attachMillis, steps.text);
        }
    }

    private static double millisSince(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e6;
    }

    /** Only the calls: of the answers nothing is looked at but where the next call begins. */
    private static int readExtents(String path) throws Exception {
        int fd = (int) Libc.check(FileCalls.open(path, FileCalls.O_RDONLY), "open", path);
        ByteBuffer buffer = Libc.struct(Fiemap.SIZE_BYTES + BATCH_EXTENTS * FiemapExtent.SIZE_BYTES);
        int extents = 0;
        boolean last = false;
        for (long start = 0; !last; ) {
            buffer.putLong(Fiemap.START_OFFSET, start)
                    .putLong(Fiemap.LENGTH_OFFSET, -1L - start)
                    .putInt(Fiemap.FLAGS_OFFSET, Fiemap.FLAG_SYNC)
                    .putInt(Fiemap.EXTENT_COUNT_OFFSET, BATCH_EXTENTS);
            Libc.check(FileCalls.ioctl(fd, Fiemap.FS_IOC_FIEMAP, Libc.address(buffer)), "FIEMAP", path);
            int count = buffer.getInt(Fiemap.MAPPED_EXTENTS_OFFSET);
            int at = Fiemap.EXTENTS_OFFSET + (count - 1) * FiemapExtent.SIZE_BYTES;
            start = buffer.getLong(at + FiemapExtent.LOGICAL_OFFSET) + buffer.getLong(at + FiemapExtent.LENGTH_OFFSET);
            last = (buffer.getInt(at + FiemapExtent.FLAGS_OFFSET) & FiemapExtent.LAST) != 0;
            extents += count;
        }
        FileCalls.close(fd);
        return extents;
    }

    private static final class Steps implements AttachListener {
        private final StringBuilder text = new StringBuilder();
        private LockStep step;
        private long startNanos;

        @Override
        public void step(LockStep next) {
            end();
            step = next;
            startNanos = System.nanoTime();
        }

        void end() {
            if (step != null) {
                text.append(String.format(" %s %.1f", step, millisSince(startNanos)));
            }
            step = null;
        }

        @Override
        public void progress(long done, long total, String what) {}

        @Override
        public void note(String text) {}
    }
}
