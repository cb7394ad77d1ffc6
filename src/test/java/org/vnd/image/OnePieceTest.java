package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** --contiguous on file systems that are nearly full of other files, with one long free piece among many short ones. */
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "mkfs.xfs",
            "mkfs.btrfs",
            "e2fsck",
            "xfs_repair",
            "fallocate",
            "xfs_io",
            "setfattr",
            "getfattr"
        })
@ExtendWith(Seeded.class)
@Timeout(180)
class OnePieceTest {
    private static final long MEBIBYTE = 1 << 20;
    private static final long BLOCK = 4096;

    /** The long piece, as it begins somewhere in a block group, and so is longer than what lies in any one of them. */
    private static final long PIECE = 180 * MEBIBYTE;

    private static final int HOLES = 300;
    private static final long HOLE_MAX = MEBIBYTE;

    private static ScratchFileSystem make(FileSystemKind kind) {
        ScratchFileSystem.Builder builder = ScratchFileSystem.of(kind).buffered();
        // What ext4 keeps for root would be one more long piece.
        return kind == FileSystemKind.EXT4
                ? builder.sizeMebibytes(1024).makerOptions("-m", 0).create()
                : builder.sizeMebibytes(1600).create();
    }

    /** Other files take all there is. Nothing of them is written, since nobody reads them. */
    private static Path fillUp(ScratchFileSystem files) throws Exception {
        Path neighbour = files.path("neighbour");
        if (files.kind() != FileSystemKind.EXT4) {
            Command.output("xfs_io", "-x", "-c", "resblks 1024", files.root());
        }
        long all = files.root().toFile().getUsableSpace() / BLOCK * BLOCK;
        for (long less = 0; ; less += MEBIBYTE) {
            if (new Command("fallocate", "-l", all - less, neighbour).run().exitCode() == 0) {
                return neighbour;
            }
        }
    }

    /** Gives back {@code length} bytes of {@code file} from {@code offset} on. */
    private static void punch(Path file, long offset, long length) throws Exception {
        int fd = (int) Libc.check(FileCalls.open(file.toString(), FileCalls.O_RDWR), "open", "" + file);
        try {
            int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
            Libc.check(FileCalls.fallocate(fd, mode, offset, length), "fallocate", "" + file);
        } finally {
            FileCalls.close(fd);
        }
    }

    private static void punchHoles(Path file, long from, long to, SeededRandom random) throws Exception {
        for (int hole = 0; hole < HOLES; hole++) {
            long at = (from + random.below(to - from - HOLE_MAX)) / BLOCK * BLOCK;
            punch(file, at, random.between(1, HOLE_MAX / BLOCK) * BLOCK);
        }
        // What ext4 frees can be had again only after the transaction that freed it.
        Command.output("sync", "-f", file);
    }

    /** Where in the longest run of {@code file} the piece is to be, from its beginning: some blocks of the file stay. */
    private static long slack(Extents.Extent longest) {
        assertTrue(longest.length() >= PIECE + 2 * BLOCK, "the file system has no such piece: " + longest);
        return longest.length() - PIECE - 2 * BLOCK;
    }

    /** Holes everywhere, and a piece of {@link #PIECE} bytes at {@code at} of {@code file}. */
    private static void fragment(Path file, long at, SeededRandom random) throws Exception {
        punch(file, at, PIECE);
        if (at > 2 * HOLE_MAX) {
            punchHoles(file, 0, at - BLOCK, random);
        }
        punchHoles(file, at + PIECE + BLOCK, Files.size(file), random);
    }

    private static Extents.Extent longestRun(Path file) throws Exception {
        Extents.Extent run = new Extents.Extent(0, 0, 0, 0);
        Extents.Extent best = run;
        for (Extents.Extent extent : Extents.of(file)) {
            boolean continued = run.logical() + run.length() == extent.logical()
                    && run.physical() + run.length() == extent.physical();
            run = continued
                    ? new Extents.Extent(run.logical(), run.physical(), run.length() + extent.length(), 0)
                    : extent;
            best = List.of(best, run).stream()
                    .max(Comparator.comparingLong(Extents.Extent::length))
                    .orElseThrow();
        }
        return best;
    }

    private static String create(Path path, long sizeBytes) throws IOException {
        return NewImage.create(path.toString(), sizeBytes, true, AttachListener.NONE);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void theOneLongPieceIsFound(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(kind)) {
            Path neighbour = fillUp(files);
            Extents.Extent longest = longestRun(neighbour);
            long slack = slack(longest);
            fragment(neighbour, longest.logical() + BLOCK + random.below(slack / BLOCK + 1) * BLOCK, random);
            List<Extents.Extent> before = Extents.of(neighbour);
            long size = 160 * MEBIBYTE;
            Path image = files.path("image");
            assertEquals("160 MiB in 1 extent", create(image, size));
            List<Extents.Extent> extents = Extents.of(image);
            assertEquals(1, Extents.merged(extents), extents.toString());
            assertEquals(
                    size, extents.stream().mapToLong(Extents.Extent::length).sum());
            assertTrue(extents.stream().allMatch(extent -> (extent.flags() & ~Extents.LAST) == 0), extents.toString());
            assertEquals(before, Extents.of(neighbour), "the blocks of others");
            files.check();
            assertArrayEquals(new byte[(int) size], DirectFile.read(image));
            try (Attached attached = Attached.attach(image, Engine.PHYSICAL)) {
                assertEquals(1, attached.map().count());
            }
        }
    }

    private static AttachRequest allocating(Path image) {
        return new AttachRequest(image.toString(), "vnd0", Engine.PHYSICAL, false, true, 0, 0);
    }

    /** Reserves parts of it, against the order in which a file system gives blocks: so it is in several pieces. */
    private static void scatter(Path image, long sizeBytes, long partBytes) {
        for (long at = sizeBytes - partBytes; at >= 0; at -= 2 * partBytes) {
            Command.output("fallocate", "-n", "-o", at, "-l", partBytes, image);
        }
    }

    private static long storedBytes(Path image) {
        return Long.parseLong(Command.output("stat", "-c", "%b", image)) * 512;
    }

    /** Where each block is that it has, written or not. */
    private static Map<Long, Long> blocks(Path image) throws Exception {
        Map<Long, Long> blocks = new TreeMap<>();
        for (Extents.Extent extent : Extents.of(image)) {
            for (long at = 0; at < extent.length(); at += BLOCK) {
                blocks.put(extent.logical() + at, extent.physical() + at);
            }
        }
        return blocks;
    }

    /** What somebody has reserved is his: on a file system that is full he wouldn't get it again. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void aReservedFileKeepsItsBlocks(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(1024).buffered().create()) {
            long size = 32 * MEBIBYTE;
            for (String reserved : List.of("a part", "all", "behind its end")) {
                Path image = files.path(reserved);
                Command.output("truncate", "-s", size, image);
                if (reserved.startsWith("behind")) {
                    Command.output("fallocate", "-n", "-o", size, "-l", MEBIBYTE, image);
                } else {
                    scatter(image, size, MEBIBYTE);
                }
                if (reserved.equals("all")) {
                    scatter(image, size - MEBIBYTE, MEBIBYTE);
                    assertTrue(Extents.merged(Extents.of(image)) > 1, "it is in one piece");
                }
                Command.output("sync", "-f", image);
                Map<Long, Long> before = blocks(image);
                assertFalse(before.isEmpty());
                long stored = storedBytes(image);
                Attached.attach(allocating(image)).close();
                Map<Long, Long> after = blocks(image);
                assertTrue(after.entrySet().containsAll(before.entrySet()), reserved + ": blocks moved");
                assertTrue(
                        Extents.of(image).stream()
                                .filter(extent -> extent.logical() < size)
                                .noneMatch(extent -> (extent.flags() & Extents.UNWRITTEN) != 0),
                        reserved + ": not written");
                assertTrue(storedBytes(image) >= stored, reserved + ": given up");
                assertArrayEquals(new byte[(int) size], DirectFile.read(image));
            }
            files.check();
        }
    }

    @Test
    void whereNoSecondFileCanBeMadeItIsSaid() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path folder = Files.createDirectory(files.path("folder"));
            Path image = folder.resolve("image");
            Command.output("truncate", "-s", "1M", image);
            Command.output("chattr", "+i", folder);
            Notes notes = new Notes();
            try {
                Attached.attach(allocating(image), notes).close();
            } finally {
                Command.output("chattr", "-i", folder);
            }
            assertEquals(
                    List.of(image + ": not in one piece: a second file in its folder can't be made: "
                            + "Operation not permitted"),
                    notes.texts);
        }
    }

    /** Keeps the notes. */
    private static final class Notes implements AttachListener {
        private final List<String> texts = new ArrayList<>();

        @Override
        public void step(LockStep step) {}

        @Override
        public void progress(long done, long total, String what) throws IOException {}

        @Override
        public void note(String text) {
            texts.add(text);
        }
    }

    /** What has nothing to do with storage. */
    private static String identity(Path image) {
        return Command.output("stat", "-c", "%i %a %u:%g %h %s", image) + "\n"
                + Command.output("getfattr", "-d", "-m", "-", "--only-values", "--absolute-names", image);
    }

    /** A file that is there and has no byte yet gets the piece as well, and stays the file that it was. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void anEmptyFileIsGivenTheOneLongPiece(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(kind)) {
            Path neighbour = fillUp(files);
            long slack = slack(longestRun(neighbour));
            long at = longestRun(neighbour).logical() + BLOCK + random.below(slack / BLOCK + 1) * BLOCK;
            fragment(neighbour, at, random);
            List<Extents.Extent> before = Extents.of(neighbour);
            long size = 160 * MEBIBYTE;
            Path image = files.path("image");
            Command.output("truncate", "-s", size, image);
            Command.output("chown", "1234:1235", image);
            Command.output("chmod", "640", image);
            Command.output("setfattr", "-n", "user.of", "-v", "somebody", image);
            Command.output("ln", image, files.path("other name"));
            String identity = identity(image);
            try (Attached attached = Attached.attach(allocating(image))) {
                assertEquals(1, attached.map().count());
            }
            assertEquals(identity, identity(image));
            assertEquals(identity, identity(files.path("other name")));
            assertEquals(before, Extents.of(neighbour), "the blocks of others");
            files.check();
            assertArrayEquals(new byte[(int) size], DirectFile.read(image));
        }
    }

    /** Fails when it is told {@code what} for the {@code number}th time, after doing {@code last}. */
    private record Stop(String what, int number, int[] told, Body last) implements AttachListener {
        interface Body {
            void run() throws IOException;
        }

        @Override
        public void step(LockStep step) {}

        @Override
        public void progress(long done, long total, String text) throws IOException {
            if (text.equals(what) && ++told[0] == number) {
                last.run();
                throw new IOException("gone");
            }
        }

        @Override
        public void note(String text) {}
    }

    private static void stop(Path image, long size, String what, int number, Stop.Body last) throws Exception {
        Command.output("truncate", "-s", 0, image);
        Command.output("truncate", "-s", size, image);
        Command.output("sync", "-f", image);
        Stop stop = new Stop(what, number, new int[1], last);
        String said = assertThrows(IOException.class, () -> Attached.attach(allocating(image), stop), what)
                .getMessage();
        assertEquals("gone", said);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void anEmptyFileIsAsBeforeWhenItIsStopped(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(kind)) {
            Path neighbour = fillUp(files);
            long slack = slack(longestRun(neighbour));
            long at = longestRun(neighbour).logical() + BLOCK + random.below(slack / BLOCK + 1) * BLOCK;
            fragment(neighbour, at, random);
            List<Extents.Extent> before = Extents.of(neighbour);
            long size = 160 * MEBIBYTE;
            Path image = files.path("image");
            for (String what : List.of("looking for one piece", "putting it into one piece", "allocating")) {
                // Once may be enough to find it, and XFS hands over all of it at once.
                boolean once = what.startsWith("looking") || (what.startsWith("putting") && kind == FileSystemKind.XFS);
                for (int number = 1; number <= (once ? 1 : 3); number++) {
                    stop(image, size, what, number, () -> {});
                    Attached.assertUnlocked(image);
                    long stored = storedBytes(image);
                    long reserved = switch (what) {
                        case "looking for one piece" -> 0;
                        case "putting it into one piece" -> (number - 1) * 16 * MEBIBYTE;
                        default -> size;
                    };
                    // What the file system needs to keep it, and XFS to exchange.
                    long more = what.startsWith("looking") ? 0 : 16 * BLOCK;
                    assertTrue(
                            stored >= reserved && stored <= reserved + more, what + " " + number + " leaves " + stored);
                    assertArrayEquals(new byte[(int) size], DirectFile.read(image));
                }
            }
            assertEquals(before, Extents.of(neighbour), "the blocks of others");
            files.check();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void anEmptyFileReadsAsZerosAfterACrash(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(kind)) {
            Path neighbour = fillUp(files);
            long slack = slack(longestRun(neighbour));
            fragment(
                    neighbour,
                    longestRun(neighbour).logical() + BLOCK + random.below(slack / BLOCK + 1) * BLOCK,
                    random);
            long size = 160 * MEBIBYTE;
            Path image = files.path("image");
            String what = kind == FileSystemKind.XFS ? "allocating" : "putting it into one piece";
            stop(image, size, what, 3, () -> {
                try {
                    files.shutDown();
                } catch (SysException e) {
                    throw new IOException(e);
                }
            });
            files.cycleSoon();
            assertArrayEquals(new byte[(int) size], DirectFile.read(image));
            files.check();
        }
    }

    /** On file systems that are empty, for images of a good part of their longest pieces; none is written. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void whatTheFileSystemScattersIsGathered(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(12 << 10).buffered().create()) {
            int scattered = 0;
            for (long mebibytes : new long[] {300, 700, 1100, 1500, 1900}) {
                long size = mebibytes * MEBIBYTE;
                try (UnnamedFile file = new UnnamedFile(files.path("image").toString())) {
                    Path open = Path.of("/proc/self/fd/" + file.fd());
                    Libc.check(FileCalls.fallocate(file.fd(), 0, 0, size), "fallocate", "" + open);
                    scattered += Extents.merged(Extents.of(open)) > 1 ? 1 : 0;
                    new OnePiece(file, size, BLOCK, OnePiece.CONTIGUOUS, AttachListener.NONE).make();
                    open = Path.of("/proc/self/fd/" + file.fd());
                    assertEquals(1, Extents.merged(Extents.of(open)), mebibytes + " MiB");
                    assertEquals(size, Files.size(open));
                }
            }
            assertTrue(kind != FileSystemKind.EXT4 || scattered > 0, "there was nothing to gather");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void whereThereIsNoneItIsSaidAndNothingIsLeft(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(kind)) {
            Path neighbour = fillUp(files);
            punchHoles(neighbour, 0, Files.size(neighbour), random);
            long free = files.root().toFile().getFreeSpace();
            Path image = files.path("image");
            String refused = assertThrows(ImageException.class, () -> create(image, 32 * MEBIBYTE))
                    .getMessage();
            String expected = "\\Q" + image + "\\E: --contiguous: 32 MiB in one piece aren't to be had, the longest of"
                    + " \\d+ MiB tried is \\d+ [KM]iB";
            assertTrue(refused.matches(expected), refused);
            assertFalse(Files.exists(image));
            for (int attempt = 0; files.root().toFile().getFreeSpace() < free && attempt < 200; attempt++) {
                Command.output("sync", "-f", files.root());
                Thread.sleep(20);
            }
            assertTrue(files.root().toFile().getFreeSpace() >= free, "space is still taken");
        }
    }

    /** Then the file has as many as it takes, and the disk is there. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void whereThereIsNoneAnEmptyFileGetsSeveral(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(kind)) {
            Path neighbour = fillUp(files);
            punchHoles(neighbour, 0, Files.size(neighbour), random);
            Path image = files.path("image");
            Command.output("truncate", "-s", "32M", image);
            Notes notes = new Notes();
            try (Attached attached = Attached.attach(allocating(image), notes)) {
                assertTrue(attached.map().count() > 1);
            }
            String expected =
                    "\\Q" + image + "\\E: not in one piece: 32 MiB in one piece aren't to be had, the longest of"
                            + " \\d+ MiB tried is \\d+ [KM]iB";
            assertTrue(notes.texts.stream().anyMatch(note -> note.matches(expected)), notes.texts.toString());
            files.check();
            assertArrayEquals(new byte[32 << 20], DirectFile.read(image));
        }
    }

    /** However much is tried, others can still write. */
    @Test
    void aPartOfTheSpaceStaysFree(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(FileSystemKind.EXT4)) {
            Path neighbour = fillUp(files);
            punchHoles(neighbour, 0, Files.size(neighbour), random);
            long free = files.root().toFile().getUsableSpace();
            long[] least = {free};
            AttachListener watcher = new AttachListener() {
                @Override
                public void step(LockStep step) {}

                @Override
                public void progress(long done, long total, String what) {
                    assertEquals("looking for one piece", what);
                    assertTrue(done <= total, done + " of " + total);
                    least[0] = Math.min(least[0], files.root().toFile().getUsableSpace());
                }

                @Override
                public void note(String text) {}
            };
            assertThrows(
                    ImageException.class,
                    () -> NewImage.create(files.path("image").toString(), 16 * MEBIBYTE, true, watcher));
            assertTrue(least[0] < free / 2, "it has tried most: " + least[0] + " of " + free);
            // Some of it went into the file system's own blocks.
            assertTrue(least[0] > free / 32, "it has left " + least[0] + " of " + free);
        }
    }

    /** Nor does an existing image take all, be it small or large. */
    @ParameterizedTest
    @ValueSource(ints = {4, 32})
    void allocatingLeavesAPartFreeToo(int mebibytes, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = make(FileSystemKind.EXT4)) {
            Path neighbour = fillUp(files);
            punchHoles(neighbour, 0, Files.size(neighbour), random);
            Path image = files.path("image");
            Command.output("truncate", "-s", mebibytes + "M", image);
            long size = mebibytes * MEBIBYTE;
            long free = files.root().toFile().getUsableSpace();
            long[] least = {free};
            AttachListener watcher = new AttachListener() {
                @Override
                public void step(LockStep step) {}

                @Override
                public void progress(long done, long total, String what) {
                    if (what.equals("looking for one piece")) {
                        assertEquals(0, storedBytes(image), "the image is untouched");
                        least[0] = Math.min(least[0], files.root().toFile().getUsableSpace());
                    }
                }

                @Override
                public void note(String text) {}
            };
            Attached.attach(allocating(image), watcher).close();
            long taken = free - least[0];
            assertTrue(taken >= size, "it has looked: " + taken);
            assertTrue(least[0] > (free - size) / 32, "it has left " + least[0] + " of " + free);
        }
    }

    @Test
    void whereNothingIsKnownOfBlocksItIsRefused() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.TMPFS).create()) {
            Path image = files.path("image");
            assertEquals(
                    image + ": --contiguous: its file system doesn't tell where blocks are (FIEMAP)",
                    assertThrows(ImageException.class, () -> create(image, MEBIBYTE))
                            .getMessage());
            assertFalse(Files.exists(image));
        }
    }
}
