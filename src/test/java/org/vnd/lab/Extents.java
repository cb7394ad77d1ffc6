package org.vnd.lab;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** The extents of a file as FIEMAP tells them, read without the code under test. */
public final class Extents {
    /** include/uapi/linux/fiemap.h: a run of {@code length} bytes at {@code logical} in the file. */
    public record Extent(long logical, long physical, long length, int flags) {
        private Extent part(long from, long to) {
            return new Extent(logical + from - physical, from, to - from, flags);
        }

        private long end() {
            return physical + length;
        }
    }

    // include/uapi/linux/fiemap.h and fs.h
    public static final int LAST = 0x1;
    public static final int UNWRITTEN = 0x800;
    public static final int SHARED = 0x2000;
    private static final long FS_IOC_FIEMAP = 0xC020660BL;
    private static final int FIEMAP_FLAG_SYNC = 1;
    private static final int HEADER_BYTES = 32;
    private static final int EXTENT_BYTES = 56;
    private static final int BATCH = 4096;

    private Extents() {}

    /** All extents of {@code file}, written back first. */
    public static List<Extent> of(Path file) throws SysException {
        int fd = (int) Libc.check(FileCalls.open(file.toString(), FileCalls.O_RDONLY), "open", file.toString());
        try {
            return of(fd, file.toString());
        } finally {
            FileCalls.close(fd);
        }
    }

    private static List<Extent> of(int fd, String name) throws SysException {
        List<Extent> extents = new ArrayList<>();
        ByteBuffer map = Libc.struct(HEADER_BYTES + BATCH * EXTENT_BYTES);
        long start = 0;
        while (true) {
            map.putLong(0, start)
                    .putLong(8, -1L - start)
                    .putInt(16, FIEMAP_FLAG_SYNC)
                    .putInt(24, BATCH);
            Libc.check(FileCalls.ioctl(fd, FS_IOC_FIEMAP, Libc.address(map)), "ioctl FIEMAP", name);
            Reference.reachabilityFence(map);
            int count = map.getInt(20);
            for (int i = 0; i < count; i++) {
                int at = HEADER_BYTES + i * EXTENT_BYTES;
                extents.add(
                        new Extent(map.getLong(at), map.getLong(at + 8), map.getLong(at + 16), map.getInt(at + 40)));
            }
            if (count == 0 || (extents.get(extents.size() - 1).flags() & LAST) != 0) {
                return extents;
            }
            Extent last = extents.get(extents.size() - 1);
            start = last.logical() + last.length();
        }
    }

    /** What of {@code extents} lies elsewhere on the device than {@code others}, which don't overlap. */
    public static List<Extent> outside(List<Extent> extents, List<Extent> others) {
        List<Extent> sorted = new ArrayList<>(others);
        sorted.sort(Comparator.comparingLong(Extent::physical));
        List<Extent> pieces = new ArrayList<>();
        for (Extent extent : extents) {
            long at = extent.physical();
            for (Extent other : sorted) {
                long from = Math.max(at, other.physical());
                long to = Math.min(extent.end(), other.end());
                if (from < to) {
                    if (at < from) {
                        pieces.add(extent.part(at, from));
                    }
                    at = to;
                }
            }
            if (at < extent.end()) {
                pieces.add(extent.part(at, extent.end()));
            }
        }
        return pieces;
    }

    /** How many bytes of {@code extents} are those of {@code others}, which don't overlap. */
    public static long commonBytes(List<Extent> extents, List<Extent> others) {
        return bytes(extents) - bytes(outside(extents, others));
    }

    private static long bytes(List<Extent> extents) {
        return extents.stream().mapToLong(Extent::length).sum();
    }

    /** How many runs of blocks there are once neighbours in the file that are neighbours on the device are one. */
    public static int merged(List<Extent> extents) {
        int runs = 0;
        Extent before = null;
        for (Extent extent : extents) {
            if (before == null
                    || before.logical() + before.length() != extent.logical()
                    || before.physical() + before.length() != extent.physical()) {
                runs++;
            }
            before = extent;
        }
        return runs;
    }
}
