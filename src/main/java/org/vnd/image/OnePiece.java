package org.vnd.image;

import java.io.IOException;
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
    /** How a complaint begins where somebody asked for one piece or nothing. */
    static final String CONTIGUOUS = "--contiguous: ";

    /** Where sixty-four times the space has no such piece it isn't worth asking for more. */
    private static final int GROWTH_MAX = 64;

    /** One of so many parts of the free space isn't asked for: others write to the file system too. */
    private static final int KEPT_PART = 16;

    /** How often pieces are given back for others that nobody has had yet. */
    private static final int TRADES = 16;

    /** Somebody else may take a block of the piece in the moment in which it is nobody's, but not so often. */
    private static final int ATTEMPTS = 8;

    /** Of pieces, which are sorted on the heap of 32 MiB: 8 MiB. In more there is hardly a long one. */
    private static final int PIECES_MAX = 1 << 19;

    private final UnnamedFile file;
    private final String path;
    private final long sizeBytes;
    private final long blockBytes;
    private final String option;
    private final AttachListener listener;

    /** How long the file is now. */
    private long reservedBytes;

    /** How long it is made at most before it trades. */
    private long limitBytes;

    private long longestBytes;

    /**
     * Of {@code file} {@code sizeBytes} are reserved, a multiple of {@code blockBytes}; complaints begin with {@code option}.
     */
    OnePiece(UnnamedFile file, long sizeBytes, long blockBytes, String option, AttachListener listener) {
        assert sizeBytes % blockBytes == 0;
        this.file = file;
        this.path = file.path();
        this.sizeBytes = sizeBytes;
        this.blockBytes = blockBytes;
        this.option = option;
        this.listener = listener;
        this.reservedBytes = sizeBytes;
    }

    /** Does it, or throws: then the file is as long as it came to be. */
    void make() throws IOException {
        limitBytes = limitBytes();
        int trades = 0;
        for (int attempt = 0; attempt < ATTEMPTS; ) {
            listener.progress(reservedBytes, limitBytes, "looking for one piece");
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
            if (!grow() && (trades++ == TRADES || !trade())) {
                throw new ImageException(
                        path,
                        option + ByteText.exact(sizeBytes) + " in one piece aren't to be had, the longest of "
                                + ByteText.about(reservedBytes) + " tried is " + ByteText.about(longestBytes));
            }
        }
        throw new ImageException(path, option + "others took blocks of its piece, " + ATTEMPTS + " times");
    }

    private long limitBytes() throws SysException {
        long available = FreeSpace.of(file.fd(), path).availableBytes();
        long most = sizeBytes + Math.max(0, available - available / KEPT_PART);
        long limit = sizeBytes > most / GROWTH_MAX ? most : sizeBytes * GROWTH_MAX;
        return limit / blockBytes * blockBytes;
    }

    private ExtentMap map() throws IOException {
        ExtentMap map = HoleMap.readReserved(file.fd(), path, reservedBytes);
        if (map == null) {
            throw new ImageException(path, option + "its file system doesn't tell where blocks are (FIEMAP)");
        }
        return map;
    }

    /** Twice as much. */
    private boolean grow() throws SysException {
        if (reservedBytes >= limitBytes) {
            return false;
        }
        more(Math.min(reservedBytes, limitBytes - reservedBytes));
        return true;
    }

    /** All of it or a part: where that is the map will tell, and that there won't be more. */
    private void more(long length) throws SysException {
        boolean had = reserve(reservedBytes, length);
        reservedBytes += length;
        limitBytes = had ? Math.max(limitBytes, reservedBytes) : reservedBytes;
        if (!had) {
            // XFS leaves what there was behind the file's end, where nothing can be cut out. Where it can't, there is
            // nothing.
            FileCalls.ftruncate(file.fd(), reservedBytes);
        }
    }

    /**
     * Gives back the shortest pieces, as much as the file system has left, and asks for as much: what is given back can be had
     * only after the transaction that frees it, so what comes is what was left, be it a part of the piece that is looked
     * for. A file system likes to leave such parts: on ext4, of a block group of which a little is in use, the rest. For others
     * there is as much as before, since they are made to wait for that transaction.
     *
     * @return whether there was anything to give
     */
    private boolean trade() throws IOException {
        if (FileFacts.read(file.fd(), path).fileSystemType() != Statfs.EXT4_SUPER_MAGIC) {
            return false;
        }
        long left = FreeSpace.of(file.fd(), path).freeBytes() / blockBytes * blockBytes;
        long given = 0;
        try (ExtentMap map = map()) {
            Runs runs = Runs.of(map);
            int longest = runs.longest();
            long lengthMax = runs.lengthForTotal(left);
            for (int run = 0; run < runs.count() && given < left; run++) {
                if (run != longest && runs.lengthBytes(run) <= lengthMax) {
                    long length = Math.min(left - given, runs.lengthBytes(run));
                    giveBack(map, runs.startBytes(run), runs.startBytes(run) + length);
                    given += length;
                }
            }
        }
        if (given == 0) {
            return false;
        }
        more(given);
        return true;
    }

    /** What was given back and not had again; where that fails, there is less to find the next time. */
    private void refill() throws SysException {
        reserve(0, reservedBytes);
    }

    /** Whether there was so much. */
    private boolean reserve(long offset, long length) throws SysException {
        int result = FileCalls.fallocate(file.fd(), 0, offset, length);
        if (result == -Errno.ENOSPC || result == -Errno.EDQUOT || result == -Errno.EFBIG) {
            return false;
        }
        Libc.check(result, "fallocate", path);
        return true;
    }

    /** Where on the device the shortest piece begins that is long enough, or -1. */
    private long find(ExtentMap map) throws ImageException {
        if (map.count() > PIECES_MAX) {
            throw new ImageException(path, option + "its file system gives it " + map.count() + " pieces");
        }
        Runs runs = Runs.of(map);
        int best = runs.shortest(sizeBytes);
        if (best >= 0) {
            return runs.startBytes(best);
        }
        int longest = runs.longest();
        longestBytes = Math.max(longestBytes, longest < 0 ? 0 : runs.lengthBytes(longest));
        return -1;
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
            new BlockExchange(file, blockBytes, option).take(map, physical, sizeBytes);
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
                throw new ImageException(path, option + "its file system can't cut a piece out of a file");
            }
            Libc.check(result, "cut", path);
        }
        Libc.check(FileCalls.ftruncate(file.fd(), sizeBytes), "truncate", path);
    }
}
