package org.vnd.export.kernel;

import java.io.IOException;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/** Reads blocks of a disk by a new device and by the one under the image's file system: both have to be the same. */
final class DiskComparison {
    /** Pieces that are looked at, each at its beginning and its end: 1024 reads, a tenth of a second on a slow disk. */
    static final int SAMPLES_MAX = 256;

    /** A client may write between two reads. */
    private static final int ATTEMPTS = 5;

    private final int mountedFd;
    private final int fd;
    private final int blockBytes;
    private final AlignedBuffer below;
    private final AlignedBuffer ours;

    private DiskComparison(int mountedFd, int fd, int blockBytes, AlignedBuffer below, AlignedBuffer ours) {
        this.mountedFd = mountedFd;
        this.fd = fd;
        this.blockBytes = blockBytes;
        this.below = below;
        this.ours = ours;
    }

    /**
     * Compares the device at {@code node} with what {@code runs} say of the mounted one.
     *
     * @param sectors of the disk, of 512 bytes; whole blocks
     * @param mountedFd O_DIRECT
     * @throws IOException they differ, or can't be read
     */
    static void compare(DiskRuns runs, long sectors, int mountedFd, String node, int blockBytes) throws IOException {
        int fd = (int) Libc.check(FileCalls.open(node, FileCalls.O_RDONLY | FileCalls.O_DIRECT), "open", node);
        try (AlignedBuffer below = new AlignedBuffer(blockBytes);
                AlignedBuffer ours = new AlignedBuffer(blockBytes)) {
            new DiskComparison(mountedFd, fd, blockBytes, below, ours).run(runs, sectors << DiskRuns.SECTOR_SHIFT);
        } finally {
            FileCalls.close(fd);
        }
    }

    private void run(DiskRuns runs, long sizeBytes) throws IOException {
        int every = (runs.count() - 1) / SAMPLES_MAX + 1;
        long at = 0;
        for (int index = 0; index < runs.count(); index++) {
            long end = Math.min(sizeBytes, at + (runs.length(index) << DiskRuns.SECTOR_SHIFT));
            // A run that is no whole blocks can only be the last.
            if (end - at >= blockBytes && (index % every == 0 || index == runs.count() - 1)) {
                long place = runs.place(index) << DiskRuns.SECTOR_SHIFT;
                compare(place, at);
                long last = (end - at) / blockBytes * blockBytes - blockBytes;
                compare(place + last, at + last);
            }
            at = end;
        }
        assert at == sizeBytes;
    }

    private void compare(long place, long at) throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            read(mountedFd, below, place);
            read(fd, ours, at);
            if (below.bytes().equals(ours.bytes())) {
                return;
            }
        }
        throw new IOException("byte " + at + " of the disk isn't what the new device has there");
    }

    private void read(int from, AlignedBuffer buffer, long at) throws IOException {
        long count = Libc.check(FileCalls.pread(from, buffer.address(), blockBytes, at), "read", "byte " + at);
        if (count != blockBytes) {
            throw new IOException("the device ends at byte " + (at + count));
        }
    }
}
