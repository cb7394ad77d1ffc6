package org.vnd.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/**
 * Makes an image in many pieces, with the blocks of other files between them.
 *
 * <p>The neighbours come first and fill the file system. Then holes of random size are punched into them, one after the
 * other, so that every free run lies between two blocks of a neighbour; the image has nowhere else to go. Ten thousand
 * extents take about two seconds this way, because nothing is written block by block.
 */
public final class Fragmenter {
    private static final int BLOCK = 4096;
    private static final int NEIGHBOURS = 4;
    private static final long MEBIBYTE = 1 << 20;

    /** Left free, with {@link #RESERVE_EXTENT_BYTES} an extent, for the file system's own blocks. */
    private static final long RESERVE_BYTES = 4 * MEBIBYTE;

    private static final long RESERVE_EXTENT_BYTES = 64;

    /** What XFS keeps back beyond that and doesn't tell. */
    private static final long HIDDEN_BYTES = 8 * MEBIBYTE;

    private final Path image;
    private final Map<Path, Long> neighbours;
    private final int extents;

    private Fragmenter(Path image, Map<Path, Long> neighbours, int extents) {
        this.image = image;
        this.neighbours = neighbours;
        this.extents = extents;
    }

    /**
     * Makes {@code image} of {@code sizeBytes} in at least {@code extents} pieces, every block written with seeded
     * content, in a file system with nothing else in it. That is to be at least 2.5 times as large as the image, and an
     * extent 4 blocks on average or more: {@code sizeBytes ≥ extents × 12 KiB + 13 MiB}.
     */
    public static Fragmenter make(Path image, long sizeBytes, int extents, SeededRandom random) throws IOException {
        shrinkReserve(image);
        List<Path> files = fillUp(image.resolveSibling("neighbours"), extents, random);
        punch(files, sizeBytes, extents, random);
        for (Path file : files) {
            // Blocks freed in ext4 can be had again only after the transaction that freed them.
            synchronize(file);
        }
        DirectFile.fill(image, sizeBytes, random.nextLong());
        int count = Extents.merged(Extents.of(image));
        if (count < extents) {
            throw new AssertionError(image + " has only " + count + " extents, not " + extents);
        }
        Map<Path, Long> checksums = new LinkedHashMap<>();
        for (Path file : files) {
            checksums.put(file, DirectFile.checksum(file));
        }
        return new Fragmenter(image, checksums, count);
    }

    public Path image() {
        return image;
    }

    /** How many runs of blocks the image has. */
    public int extents() {
        return extents;
    }

    /** Fails if a byte of a neighbour isn't what it was, as the device has it. */
    public void checkNeighbours() throws IOException {
        for (Map.Entry<Path, Long> neighbour : neighbours.entrySet()) {
            long now = DirectFile.checksum(neighbour.getKey());
            if (now != neighbour.getValue()) {
                throw new AssertionError("content of the neighbour " + neighbour.getKey() + " has changed");
            }
        }
    }

    /** XFS keeps up to 32 MiB back, which would be one more long run for the image. */
    private static void shrinkReserve(Path image) {
        if (Command.output("stat", "-f", "-c", "%T", image.getParent()).equals("xfs")) {
            Command.output("xfs_io", "-x", "-c", "resblks 1024", image.getParent());
        }
    }

    private static long reserve(int extents) {
        return RESERVE_BYTES + extents * RESERVE_EXTENT_BYTES;
    }

    private static List<Path> fillUp(Path directory, int extents, SeededRandom random) throws IOException {
        Files.createDirectories(directory);
        List<Path> files = new ArrayList<>();
        long each = (Files.getFileStore(directory).getUsableSpace() - reserve(extents)) / NEIGHBOURS / BLOCK * BLOCK;
        for (int i = 0; i < NEIGHBOURS; i++) {
            Path file = directory.resolve("neighbour-" + i);
            DirectFile.fill(file, each, random.nextLong());
            files.add(file);
        }
        return files;
    }

    private static void punch(List<Path> files, long sizeBytes, int extents, SeededRandom random) throws IOException {
        // The reserve goes to the image too, in one run, and then the largest holes: so more holes than extents are
        // made.
        long blocks = sizeBytes / BLOCK;
        long largestHole = Math.max(1, (sizeBytes - reserve(extents) - HIDDEN_BYTES) / BLOCK * 12 / 10 / extents - 1);
        long available = 0;
        for (Path file : files) {
            available += Files.size(file) / BLOCK;
        }
        long largestKept = Math.max(1, (available * 9 / 10 - blocks) * (largestHole + 1) / blocks - 1);
        long freed = 0;
        for (Path file : files) {
            long end = Files.size(file) / BLOCK;
            int fd = open(file);
            try {
                for (long at = random.between(1, largestKept); freed < blocks; ) {
                    long hole = Math.min(random.between(1, largestHole), end - at - 1);
                    if (hole <= 0) {
                        break;
                    }
                    int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
                    Libc.check(FileCalls.fallocate(fd, mode, at * BLOCK, hole * BLOCK), "fallocate", file.toString());
                    freed += hole;
                    at += hole + random.between(1, largestKept);
                }
            } finally {
                FileCalls.close(fd);
            }
        }
        if (freed < blocks) {
            throw new AssertionError("file system too small for an image of " + sizeBytes + " in " + extents);
        }
    }

    private static void synchronize(Path file) throws IOException {
        int fd = open(file);
        try {
            Libc.check(FileCalls.fsync(fd), "fsync", file.toString());
        } finally {
            FileCalls.close(fd);
        }
    }

    private static int open(Path file) throws IOException {
        return (int) Libc.check(FileCalls.open(file.toString(), FileCalls.O_RDWR), "open", file.toString());
    }
}
