package org.vnd.image;

import java.io.IOException;
import java.util.Arrays;
import org.vnd.extent.ExtentMap;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statfs;

/**
 * Makes of the storage of a file that is reserved and not yet written one piece, whatever its file system first gave.
 *
 * <p>The file grows until a piece that is long enough is among all that it got, in whatever order. On ext4 another file then
 * takes over the blocks of that piece in theirs, {@link BlockExchange}. Elsewhere the part that lies first on the device
 * stays, the others are given back and asked for again behind it, which is where XFS looks first, and all but the piece is
 * cut away. Nothing is written meanwhile, so that it takes seconds where writing would take minutes.
 */
final class OnePiece {
    /** How hard to look. Of the space that is free a part stays so in any case: others write to the file system too. */
    enum Effort {
        /** So or not at all. Where sixty-four times the space has no such piece it isn't worth asking for more. */
        CONTIGUOUS("--contiguous: ", 64, 16),

        /** It would be better so, and others aren't to suffer for it. */
        ALLOCATE("", 4, 2);

        /** How a complaint begins. */
        private final String option;

        /** How much may be reserved, in times of what is looked for. */
        private final int growthMax;

        /** One of so many parts of the free space isn't asked for. */
        private final int keptPart;

        Effort(String option, int growthMax, int keptPart) {
            this.option = option;
            this.growthMax = growthMax;
            this.keptPart = keptPart;
        }

        String option() {
            return option;
        }
    }

    /** Somebody else may take a block of the piece in the moment in which it is nobody's, but not so often. */
    private static final int ATTEMPTS = 8;

    /** Of pieces, which are sorted on the heap of 32 MiB: 8 MiB. In more there is hardly a long one. */
    private static final int PIECES_MAX = 1 << 19;

    private final UnnamedFile file;
    private final String path;
    private final long sizeBytes;
    private final long blockBytes;
    private final Effort effort;
    private final AttachListener listener;

    /** How long the file is now. */
    private long reservedBytes;

    private long longestBytes;

    /**
     * Of {@code file} {@code sizeBytes} are reserved, a multiple of {@code blockBytes}.
     */
    OnePiece(UnnamedFile file, long sizeBytes, long blockBytes, Effort effort, AttachListener listener) {
        assert sizeBytes % blockBytes == 0;
        this.file = file;
        this.path = file.path();
        this.sizeBytes = sizeBytes;
        this.blockBytes = blockBytes;
        this.effort = effort;
        this.listener = listener;
        this.reservedBytes = sizeBytes;
    }

    /** Does it, or throws: then the file is as long as it came to be. */
    void make() throws IOException {
        long limit = limitBytes();
        for (int attempt = 0; attempt < ATTEMPTS; ) {
            listener.progress(reservedBytes, limit, "looking for one piece");
            try (ExtentMap map = map()) {
                long piece = find(map);
                if (piece >= 0) {
                    attempt++;
                    if (assemble(map, piece)) {
                        return;
                    }
                    refill();
                    continue;
                }
            }
            if (!grow(limit)) {
                throw new ImageException(
                        path,
                        effort.option() + ByteText.exact(sizeBytes) + " in one piece aren't to be had, the longest of "
                                + ByteText.about(reservedBytes) + " tried is " + ByteText.about(longestBytes));
            }
        }
        throw new ImageException(path, effort.option() + "others took blocks of its piece, " + ATTEMPTS + " times");
    }

    private long limitBytes() throws SysException {
        long available = FreeSpace.of(file.fd(), path).availableBytes();
        long most = sizeBytes + Math.max(0, available - available / effort.keptPart);
        long limit = sizeBytes > most / effort.growthMax ? most : sizeBytes * effort.growthMax;
        return limit / blockBytes * blockBytes;
    }

    private ExtentMap map() throws IOException {
        ExtentMap map = HoleMap.readReserved(file.fd(), path, reservedBytes);
        if (map == null) {
            throw new ImageException(path, effort.option() + "its file system doesn't tell where blocks are (FIEMAP)");
        }
        return map;
    }

    /** Twice as much. */
    private boolean grow(long limit) throws SysException {
        if (reservedBytes >= limit) {
            return false;
        }
        long more = Math.min(reservedBytes, limit - reservedBytes);
        if (!reserve(reservedBytes, more)) {
            return false;
        }
        reservedBytes += more;
        return true;
    }

    /** What was given back and not had again; where that fails, there is less to find the next time. */
    private void refill() throws SysException {
        reserve(0, reservedBytes);
    }

    /** Whether there was so much. */
    private boolean reserve(long offset, long length) throws SysException {
        int result = FileCalls.fallocate(file.fd(), 0, offset, length);
        if (result == -Errno.ENOSPC || result == -Errno.EDQUOT) {
            return false;
        }
        Libc.check(result, "fallocate", path);
        return true;
    }

    /** Where on the device the shortest piece begins that is long enough, or -1. */
    private long find(ExtentMap map) throws ImageException {
        if (map.count() > PIECES_MAX) {
            throw new ImageException(path, effort.option() + "its file system gives it " + map.count() + " pieces");
        }
        long[] starts = new long[map.count()];
        long[] ends = new long[map.count()];
        int count = 0;
        for (int index = 0; index < map.count(); index++) {
            if (!map.hole(index)) {
                starts[count] = map.physicalBytes(index);
                ends[count++] = map.physicalBytes(index) + map.endBytes(index) - map.startBytes(index);
            }
        }
        // No two overlap: the end of each is as far up among the ends as its start among the starts.
        Arrays.sort(starts, 0, count);
        Arrays.sort(ends, 0, count);
        long best = -1;
        long bestBytes = Long.MAX_VALUE;
        for (int index = 0; index < count; ) {
            long start = starts[index++];
            while (index < count && starts[index] == ends[index - 1]) {
                index++;
            }
            long length = ends[index - 1] - start;
            longestBytes = Math.max(longestBytes, length);
            if (length >= sizeBytes && length < bestBytes) {
                best = start;
                bestBytes = length;
            }
        }
        return best;
    }

    /** Makes the file of the piece at {@code physical}, if the file system plays along. */
    private boolean assemble(ExtentMap map, long physical) throws IOException {
        long start = 0;
        long kept = 0;
        for (int index = 0; index < map.count(); index++) {
            if (map.physicalBytes(index) == physical) {
                start = map.startBytes(index);
                kept = Math.min(sizeBytes, map.endBytes(index) - start);
            }
        }
        assert kept > 0;
        if (kept < sizeBytes && FileFacts.read(file.fd(), path).fileSystemType() == Statfs.EXT4_SUPER_MAGIC) {
            new BlockExchange(file, blockBytes, effort.option()).take(map, physical, sizeBytes);
            return true;
        }
        if (kept < sizeBytes) {
            giveBack(map, physical + kept, physical + sizeBytes);
            punch(start + kept, start + sizeBytes);
            // What the journal doesn't know to be free isn't lent out again.
            Libc.check(FileCalls.fsync(file.fd()), "fsync", path);
            boolean had = reserve(start + kept, sizeBytes - kept);
            reservedBytes = Math.max(reservedBytes, start + sizeBytes);
            if (!had || !isOne(start)) {
                return false;
            }
        }
        cut(start);
        return true;
    }

    /** What the file has between two places on the device. */
    private void giveBack(ExtentMap map, long fromPhysical, long toPhysical) throws SysException {
        for (int index = 0; index < map.count(); index++) {
            if (map.hole(index)) {
                continue;
            }
            long offset = map.startBytes(index) - map.physicalBytes(index);
            long from = Math.max(map.startBytes(index), fromPhysical + offset);
            long to = Math.min(map.endBytes(index), toPhysical + offset);
            if (from < to) {
                punch(from, to);
            }
        }
    }

    private void punch(long from, long to) throws SysException {
        int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
        Libc.check(FileCalls.fallocate(file.fd(), mode, from, to - from), "punch a hole into", path);
    }

    private boolean isOne(long start) throws IOException {
        try (ExtentMap map = map()) {
            int index = map.find(start);
            return !map.hole(index) && map.endBytes(index) - start >= sizeBytes;
        }
    }

    private void cut(long start) throws SysException, ImageException {
        if (start > 0) {
            int result = FileCalls.fallocate(file.fd(), FileCalls.FALLOC_FL_COLLAPSE_RANGE, 0, start);
            if (result == -Errno.EOPNOTSUPP || result == -Errno.EINVAL) {
                throw new ImageException(path, effort.option() + "its file system can't cut a piece out of a file");
            }
            Libc.check(result, "cut", path);
        }
        Libc.check(FileCalls.ftruncate(file.fd(), sizeBytes), "truncate", path);
    }
}
