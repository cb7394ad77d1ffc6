package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
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

/** A sparse or reserved image becomes one that can be attached physically, and no byte of it changes. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "lsattr"})
@ExtendWith(Seeded.class)
class AllocationTest {
    private static final int SIZE = 24 << 20;

    private static long stored(Path path) {
        return Long.parseLong(Command.output("stat", "-c", "%b", path)) * 512;
    }

    private static AttachRequest request(Path path, Engine engine) {
        return new AttachRequest(path.toString(), "vnd0", engine, false, true, 0, 0);
    }

    /** Data, holes and reserved blocks, of random length. */
    private static void scatter(Path path, SeededRandom random) throws Exception {
        DirectFile.fill(path, SIZE, random.nextLong());
        for (int hole = 0; hole < 40; hole++) {
            long at = random.below(SIZE / 4096 - 1) * 4096L;
            long length = Math.min(SIZE - at, random.length(1000) * 4096);
            Command.output("fallocate", "-p", "-o", at, "-l", length, path);
            if (random.oneIn(2)) {
                Command.output("fallocate", "-o", at, "-l", Math.max(4096, length / 8192 * 4096), path);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void isPhysicalAfterwardsAndUnchanged(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            scatter(path, random);
            byte[] content = Files.readAllBytes(path);
            long[] last = {-1, 0};
            AttachListener progress = new AttachListener() {
                @Override
                public void step(LockStep step) {}

                @Override
                public void progress(long done, long total, String what) {
                    assertEquals("allocating", what);
                    assertTrue(done > last[0] && done <= total, done + " after " + last[0]);
                    last[0] = done;
                    last[1] = total;
                }

                @Override
                public void note(String text) {}
            };
            try (Attached attached = Attached.attach(request(path, Engine.PHYSICAL), progress)) {
                assertEquals(Engine.PHYSICAL, attached.image.engine());
            }
            assertTrue(last[1] > 0 && last[0] == last[1], "progress " + last[0] + " of " + last[1]);
            files.cycle();
            assertTrue(Arrays.equals(content, Files.readAllBytes(path)), "content");
            for (Extents.Extent extent : Extents.of(path)) {
                assertEquals(0, extent.flags() & Extents.UNWRITTEN, extent.toString());
            }
        }
    }

    @Test
    void aFullImageIsLeftAlone() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            var before = Extents.of(path);
            Attached.attach(request(path, Engine.PHYSICAL)).close();
            assertEquals(before, Extents.of(path));
        }
    }

    @Test
    void aFileSystemThatIsTooSmallSaysSoAndNothingIsLost() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            long checksum = DirectFile.checksum(path);
            Command.output("truncate", "-s", "200M", path);
            ImageException refused =
                    assertThrows(ImageException.class, () -> Attached.attach(request(path, Engine.AUTO)));
            assertEquals(
                    path + ": --allocate: no space left in its file system; what was filled reads as zeros, as before",
                    refused.getMessage());
            Attached.assertUnlocked(path);
            assertTrue(stored(path) <= 2 << 20, "the file system is left full: " + stored(path));
            Command.output("truncate", "-s", "1M", path);
            assertEquals(checksum, DirectFile.checksum(path));
        }
    }

    @Test
    void somebodyWhoOpensItInTheMeantimeStopsIt() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path path = files.path("image");
            Command.output("truncate", "-s", "20M", path);
            AttachListener intruder = new AttachListener() {
                @Override
                public void step(LockStep step) {}

                @Override
                public void progress(long done, long total, String what) {
                    if (done > 0) {
                        FileCalls.open(path.toString(), FileCalls.O_RDWR | FileCalls.O_NONBLOCK);
                    }
                }

                @Override
                public void note(String text) {}
            };
            ImageException refused =
                    assertThrows(ImageException.class, () -> Attached.attach(request(path, Engine.PHYSICAL), intruder));
            assertTrue(
                    refused.getMessage().startsWith(path + ": --allocate stopped, somebody else opens it: "),
                    refused.getMessage());
        }
    }

    /** At whatever stage: he gets the file when it has stopped, and what he writes is there. */
    @ParameterizedTest
    @CsvSource({
        "EXT4, looking for one piece, 1",
        "EXT4, putting it into one piece, 1",
        "EXT4, putting it into one piece, 3",
        "EXT4, allocating, 1",
        "EXT4, allocating, 5",
        "XFS, looking for one piece, 1",
        "XFS, putting it into one piece, 1",
        "XFS, allocating, 5"
    })
    void whatSomebodyWritesWhoOpensItIsThere(FileSystemKind kind, String stage, int number, SeededRandom random)
            throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(512).create()) {
            int size = 64 << 20;
            Path path = files.path("image");
            Command.output("truncate", "-s", size, path);
            byte[] written = new byte[1 << 20];
            random.fill(written);
            Path source = files.path("source");
            Files.write(source, written);
            int place = (int) random.below(size / written.length);
            String inode = ":" + Command.output("stat", "-c", "%i", path) + " ";
            List<Command.Running> started = new ArrayList<>();
            AttachListener listener = new AttachListener() {
                private int told;

                @Override
                public void step(LockStep step) {}

                @Override
                public void progress(long done, long total, String what) throws IOException {
                    if (what.equals(stage) && ++told == number) {
                        started.add(new Command(
                                        "dd", "if=" + source, "of=" + path, "bs=1M", "seek=" + place, "conv=notrunc")
                                .start());
                        while (Files.readAllLines(Path.of("/proc/locks")).stream()
                                .noneMatch(line -> line.contains("BREAKING") && line.contains(inode))) {
                            assertTrue(
                                    started.get(0).alive(),
                                    () -> "dd ended: " + started.get(0).errors());
                        }
                    }
                }

                @Override
                public void note(String text) {}
            };
            ImageException refused =
                    assertThrows(ImageException.class, () -> Attached.attach(request(path, Engine.PHYSICAL), listener));
            assertTrue(
                    refused.getMessage().startsWith(path + ": --allocate stopped, somebody else opens it: "),
                    refused.getMessage());
            try (Command.Running intruder = started.get(0)) {
                intruder.await(60).succeeded();
            }
            byte[] expected = new byte[size];
            System.arraycopy(written, 0, expected, place * written.length, written.length);
            assertTrue(Arrays.equals(expected, Files.readAllBytes(path)), "content");
            files.cycle();
            assertTrue(Arrays.equals(expected, Files.readAllBytes(path)), "content on the device");
        }
    }

    @Test
    void aListenerThatGoesAwayStopsIt() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path path = files.path("image");
            Command.output("truncate", "-s", "20M", path);
            AttachListener gone = new AttachListener() {
                @Override
                public void step(LockStep step) {}

                @Override
                public void progress(long done, long total, String what) throws IOException {
                    throw new IOException("gone");
                }

                @Override
                public void note(String text) {}
            };
            assertEquals(
                    "gone",
                    assertThrows(IOException.class, () -> Attached.attach(request(path, Engine.PHYSICAL), gone))
                            .getMessage());
            Attached.assertUnlocked(path);
        }
    }

    /** tmpfs tells by lseek(2) only; and a file of a lower layer is first copied into the upper. */
    @ParameterizedTest
    @EnumSource(names = {"TMPFS", "OVERLAY", "BTRFS"})
    void whatIsForTheFileEngineIsAllocatedToo(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            if (kind == FileSystemKind.OVERLAY) {
                scatter(files.root().resolveSibling("mount").resolve("lower/image"), random);
                files.cycle();
            } else {
                scatter(path, random);
            }
            byte[] content = Files.readAllBytes(path);
            assertTrue(stored(path) < SIZE);
            try (Attached attached = Attached.attach(request(path, Engine.AUTO))) {
                assertEquals(Engine.FILE, attached.image.engine());
            }
            assertTrue(stored(path) >= SIZE, "stored " + stored(path));
            assertTrue(Arrays.equals(content, Files.readAllBytes(path)), "content");
        }
    }

    /** README's first command: on a file system in which nothing is yet, and in which the one before was. */
    @ParameterizedTest
    @CsvSource({"EXT4, 512", "EXT4, 4096", "XFS, 512"})
    void anEmptyFileGetsOnePieceEachTime(FileSystemKind kind, int mebibytes) throws Exception {
        ScratchFileSystem.Builder builder =
                ScratchFileSystem.of(kind).sizeMebibytes(mebibytes).buffered();
        for (int attempt = 0; attempt < 20; ) {
            try (ScratchFileSystem files = builder.create()) {
                for (int again = 0; again < 5; again++, attempt++) {
                    Path path = files.path("image");
                    Command.output("truncate", "-s", "64M", path);
                    try (Attached attached = Attached.attach(request(path, Engine.PHYSICAL))) {
                        assertEquals(1, attached.map().count(), "attempt " + attempt);
                    }
                    Command.output("rm", path);
                }
            }
        }
    }

    /** Each hole gets a piece of its own on a file system with so much space, and not one for each write. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void aHoleIsFilledInOnePiece(FileSystemKind kind) throws Exception {
        for (int attempt = 0; attempt < 5; attempt++) {
            try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
                Path path = files.path("image");
                DirectFile.fill(path, 4096, 1);
                Command.output("truncate", "-s", "30M", path);
                DirectFile.fill(files.path("between"), 8192, 1);
                Command.output("dd", "if=/dev/zero", "of=" + path, "bs=4k", "count=1", "seek=7680", "oflag=direct");
                Command.output("truncate", "-s", "60M", path);
                Attached.attach(request(path, Engine.PHYSICAL)).close();
                int pieces = Extents.merged(Extents.of(path));
                assertTrue(pieces <= 4, pieces + " pieces");
            }
        }
    }

    @Test
    void whatCantBeAllocated() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.TMPFS).create()) {
            Path path = files.path("image");
            Command.output("truncate", "-s", "1000000", path);
            assertEquals(
                    path + ": --allocate: its size, 1000000 bytes, is no multiple of the block of 4096 bytes",
                    assertThrows(ImageException.class, () -> Attached.attach(request(path, Engine.FILE)))
                            .getMessage());
            AttachRequest readOnly = new AttachRequest(path.toString(), "vnd0", Engine.FILE, true, true, 0, 0);
            assertEquals(
                    path + ": --allocate writes, which -r forbids",
                    assertThrows(ImageException.class, () -> Attached.attach(readOnly))
                            .getMessage());
        }
    }
}
