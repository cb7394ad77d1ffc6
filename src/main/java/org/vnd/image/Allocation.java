package org.vnd.image;

import java.io.IOException;
import org.vnd.extent.ExtentMap;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/**
 * Gives every block of an image storage: writes zeros, past the page cache, where there is a hole or a block that was
 * reserved and never written. Data isn't touched: under a lease nobody else can write between the look at the map and the
 * zeros. Stopped half way, it has changed nothing anybody could read.
 */
final class Allocation {
    private Allocation() {}

    /** Fills {@code file}, which nobody has claimed. */
    static void fill(BackingFile file, AttachListener listener) throws IOException {
        int fd = Claim.open(file, FileCalls.O_RDWR | FileCalls.O_DIRECT, false);
        try {
            int result = Lease.take(fd, FileCalls.F_WRLCK);
            if (result == -Errno.EAGAIN) {
                throw new ImageException(file.path(), "in use: " + Holders.describe(file, fd));
            }
            if (result < 0) {
                throw new ImageException(
                        file.path(), "--allocate needs a lease on it, which can't be had: " + Errno.message(-result));
            }
            fillClaimed(file, fd, listener);
        } finally {
            // Ends the lease too.
            Claim.end(fd);
        }
    }

    private static void fillClaimed(BackingFile file, int fd, AttachListener listener) throws IOException {
        String path = file.path();
        FileFacts facts = FileFacts.read(fd, path);
        if (facts.sizeBytes() % facts.blockBytes() != 0) {
            throw new ImageException(
                    path,
                    "--allocate: its size, " + facts.sizeBytes() + " bytes, is no multiple of the block of "
                            + facts.blockBytes() + " bytes");
        }
        ExtentMap map = HoleMap.read(fd, path, facts.sizeBytes());
        if (map == null) {
            throw new ImageException(path, "--allocate: its file system doesn't tell where holes are (FIEMAP)");
        }
        try (map;
                Zeros zeros = new Zeros()) {
            Libc.check(FileCalls.fcntl(fd, FileCalls.F_SETFL, FileCalls.O_DIRECT), "set O_DIRECT on", path);
            fillHoles(file, fd, map, zeros, listener);
            Libc.check(FileCalls.fsync(fd), "fsync", path);
        }
    }

    private static void fillHoles(BackingFile file, int fd, ExtentMap map, Zeros zeros, AttachListener listener)
            throws IOException {
        long total = 0;
        for (int index = 0; index < map.count(); index++) {
            total += map.hole(index) ? map.endBytes(index) - map.startBytes(index) : 0;
        }
        long done = 0;
        for (int index = 0; index < map.count(); index++) {
            if (!map.hole(index)) {
                continue;
            }
            for (long at = map.startBytes(index); at < map.endBytes(index); ) {
                listener.progress(done, total, "allocating");
                long written = write(file, fd, zeros, at, map.endBytes(index));
                at += written;
                done += written;
            }
        }
        if (total > 0) {
            listener.progress(total, total, "allocating");
        }
    }

    private static long write(BackingFile file, int fd, Zeros zeros, long at, long end) throws ImageException {
        if (Lease.current(fd) != FileCalls.F_WRLCK) {
            throw new ImageException(
                    file.path(), "--allocate stopped, somebody else opens it: " + Holders.describe(file, fd));
        }
        long result = zeros.write(fd, at, end);
        if (result == -Errno.ENOSPC || result == -Errno.EDQUOT) {
            throw new ImageException(
                    file.path(),
                    "--allocate: no space left in its file system; what was filled reads as zeros, as before");
        }
        if (result <= 0) {
            throw new ImageException(file.path(), "--allocate: writing zeros: " + Errno.message((int) -result));
        }
        return result;
    }
}
