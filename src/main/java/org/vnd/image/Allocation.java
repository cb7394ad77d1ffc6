package org.vnd.image;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.vnd.extent.ExtentMap;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/**
 * Gives every block of an image storage: writes zeros, past the page cache, where there is a hole or a block that was
 * reserved and never written. Data isn't touched: under a lease nobody else can write between the look at the map and the
 * zeros. Stopped half way, it has changed nothing anybody could read, and what was reserved by then stays so.
 *
 * <p>All of it is reserved before anything is written: so what doesn't fit is known at once, and a hole gets as few pieces as
 * the file system has. A file that has no storage yet gets one, if there is one; no storage that it has is ever given up.
 */
final class Allocation {
    private final BackingFile file;
    private final String path;
    private final int fd;
    private final FileFacts facts;
    private final AttachListener listener;

    private Allocation(BackingFile file, int fd, AttachListener listener) throws IOException {
        this.file = file;
        this.path = file.path();
        this.fd = fd;
        this.facts = FileFacts.read(fd, path);
        this.listener = listener;
    }

    /** Bytes of the file that have no storage. */
    private record Hole(long startBytes, long endBytes) {
        long lengthBytes() {
            return endBytes - startBytes;
        }
    }

    /** Fills {@code file}, which nobody has claimed. */
    static void fill(BackingFile file, AttachListener listener) throws IOException {
        String problem = Lease.problem();
        if (!problem.isEmpty()) {
            throw new ImageException(file.path(), "--allocate needs a lease on it: " + problem);
        }
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
            new Allocation(file, fd, listener).fillClaimed();
        } finally {
            // Ends the lease too.
            Claim.end(fd);
        }
    }

    private void fillClaimed() throws IOException {
        if (facts.sizeBytes() % facts.blockBytes() != 0) {
            throw new ImageException(
                    path,
                    "--allocate: its size, " + facts.sizeBytes() + " bytes, is no multiple of the block of "
                            + facts.blockBytes() + " bytes");
        }
        List<Hole> empty = holes(true);
        List<Hole> unwritten = holes(false);
        boolean allEmpty = empty.size() == 1 && empty.get(0).lengthBytes() == facts.sizeBytes();
        Libc.check(FileCalls.fcntl(fd, FileCalls.F_SETFL, FileCalls.O_DIRECT), "set O_DIRECT on", path);
        Progress progress = new Progress(unwritten);
        if (bytes(empty) > FreeSpace.of(fd, path).freeBytes()) {
            // Early, so that others don't find it full in the meantime.
            throw full();
        }
        try (Zeros zeros = new Zeros()) {
            // Not if something is reserved behind its end, say: that would go with the rest.
            if (allEmpty && FileFacts.storedBytes(fd, path) == 0 && OnePieceStorage.possibleOn(facts)) {
                inOnePiece();
                empty = holes(true);
            }
            reserve(empty);
            for (Hole hole : unwritten) {
                write(hole, zeros, progress);
            }
            progress.end();
        }
        Libc.check(FileCalls.fsync(fd), "fsync", path);
    }

    /** What has no storage, or, unless {@code reservedToo}, was never written. */
    private List<Hole> holes(boolean reservedToo) throws IOException {
        try (ExtentMap map = map(reservedToo)) {
            List<Hole> holes = new ArrayList<>();
            for (int index = 0; index < map.count(); index++) {
                if (map.hole(index)) {
                    holes.add(new Hole(map.startBytes(index), map.endBytes(index)));
                }
            }
            return holes;
        }
    }

    private static long bytes(List<Hole> holes) {
        return holes.stream().mapToLong(Hole::lengthBytes).sum();
    }

    private ExtentMap map(boolean reservedToo) throws IOException {
        ExtentMap map = reservedToo
                ? HoleMap.readReserved(fd, path, facts.sizeBytes())
                : HoleMap.read(fd, path, facts.sizeBytes());
        if (map == null) {
            map = HoleMap.bySeeking(fd, path, facts.sizeBytes());
        }
        if (map == null) {
            throw new ImageException(
                    path, "--allocate: its file system doesn't tell where holes are (FIEMAP, SEEK_HOLE)");
        }
        return map;
    }

    /** Has the file system set aside what {@code holes} need, the longest first, as what is left for them is in most pieces. */
    private void reserve(List<Hole> holes) throws IOException {
        List<Hole> longestFirst = new ArrayList<>(holes);
        longestFirst.sort(Comparator.comparingLong(Hole::lengthBytes).reversed());
        for (Hole hole : longestFirst) {
            requireAlone();
            int result = FileCalls.fallocate(fd, 0, hole.startBytes, hole.lengthBytes());
            switch (-result) {
                case 0 -> {}
                // Then writing it is the way, and how one learns that it doesn't fit.
                case Errno.EOPNOTSUPP -> {
                    return;
                }
                case Errno.ENOSPC, Errno.EDQUOT -> throw full();
                case Errno.EFBIG -> throw tooLarge(hole);
                default -> throw new SysException("fallocate", path, -result);
            }
        }
    }

    private ImageException tooLarge(Hole hole) {
        return new ImageException(path, "--allocate: " + FileSizeLimit.reason(hole.endBytes));
    }

    private ImageException full() {
        return new ImageException(
                path, "--allocate: no space left in its file system; what was filled reads as zeros, as before");
    }

    /** If it can be; what stands in the way is for the user to know, and no reason to give up. */
    private void inOnePiece() throws IOException {
        try {
            new OnePieceStorage(fd, path, facts, new WhileAlone()).give();
        } catch (ImageException | SysException e) {
            requireAlone();
            String subject = path + ": ";
            String why = String.valueOf(e.getMessage());
            listener.note(
                    subject + "not in one piece: " + (why.startsWith(subject) ? why.substring(subject.length()) : why));
        }
    }

    private void write(Hole hole, Zeros zeros, Progress progress) throws IOException {
        for (long at = hole.startBytes; at < hole.endBytes; ) {
            progress.tell();
            requireAlone();
            long result = zeros.write(fd, at, hole.endBytes);
            if (result == -Errno.ENOSPC || result == -Errno.EDQUOT) {
                throw full();
            }
            if (result == -Errno.EFBIG) {
                throw tooLarge(hole);
            }
            if (result <= 0) {
                throw new ImageException(path, "--allocate: writing zeros: " + Errno.message((int) -result));
            }
            at += result;
            progress.written(result);
        }
    }

    private void requireAlone() throws ImageException {
        if (Lease.current(fd) != FileCalls.F_WRLCK) {
            throw new ImageException(path, "--allocate stopped, somebody else opens it: " + Holders.describe(file, fd));
        }
    }

    /** How far the writing of zeros has come. */
    private final class Progress {
        private final long totalBytes;
        private long doneBytes;

        Progress(List<Hole> holes) {
            totalBytes = bytes(holes);
        }

        void tell() throws IOException {
            listener.progress(doneBytes, totalBytes, "allocating");
        }

        void written(long writtenBytes) {
            doneBytes += writtenBytes;
        }

        void end() throws IOException {
            if (totalBytes > 0) {
                tell();
            }
        }
    }

    /** Passes on what is told, and stops whoever tells it when the file isn't ours alone any more. */
    private final class WhileAlone implements AttachListener {
        @Override
        public void step(LockStep step) throws IOException {
            listener.step(step);
        }

        @Override
        public void progress(long done, long total, String what) throws IOException {
            listener.progress(done, total, what);
            // Behind it: a listener may take its time.
            requireAlone();
        }

        @Override
        public void note(String text) throws IOException {
            listener.note(text);
        }
    }
}
