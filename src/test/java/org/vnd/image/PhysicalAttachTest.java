package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.FileCalls;

@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "lsattr"})
@ExtendWith(Seeded.class)
class PhysicalAttachTest {
    private static final long SIZE = 8 << 20;

    /** What the listener heard. */
    static final class Steps implements AttachListener {
        final List<LockStep> steps = new ArrayList<>();
        final List<String> notes = new ArrayList<>();

        @Override
        public void step(LockStep step) {
            steps.add(step);
        }

        @Override
        public void progress(long done, long total, String what) {}

        @Override
        public void note(String text) {
            notes.add(text);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void everyStepIsTakenInOrderAndTakenBack(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, SIZE, 1);
            String flags = Attached.flags(path);
            Steps attach = new Steps();
            AttachedImage image = AttachedImage.attach(Attached.request(path, Engine.PHYSICAL), attach);
            List<LockStep> expected = new ArrayList<>(List.of(LockStep.values()));
            expected.remove(LockStep.RECOVER);
            if (kind != FileSystemKind.XFS) {
                expected.remove(LockStep.GUARD);
            }
            int detach = expected.indexOf(LockStep.FLUSH);
            assertEquals(expected.subList(0, detach), attach.steps);
            assertEquals(List.of(), attach.notes);
            assertTrue(Attached.hasRecord(path));
            assertTrue(image.lock().verify());
            assertEquals(SIZE, image.sizeBytes());
            assertEquals(files.device().toString(), image.place().device());
            assertEquals(files.root().toString(), image.place().mountPoint());
            String type = kind == FileSystemKind.EXT4 ? "ext4" : "xfs";
            String extents = image.map().count() == 1 ? " extent" : " extents";
            assertEquals(type + " on " + files.device() + ", " + image.map().count() + extents, image.engineReason());

            Steps release = new Steps();
            assertEquals(Optional.empty(), image.lock().release(release));
            assertEquals(expected.subList(detach, expected.size()), release.steps);
            Attached.assertUnlocked(path);
            assertEquals(flags, Attached.flags(path));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void tenThousandExtentsAreMappedRightAndWhatIsWrittenIsInTheFile(FileSystemKind kind, SeededRandom random)
            throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(512).create()) {
            Fragmenter fragmented = Fragmenter.make(files.path("image"), 192 << 20, 10_000, random);
            Path path = fragmented.image();
            int blocks = (int) (Files.size(path) / 4096);
            byte[] expected = Files.readAllBytes(path);
            try (Attached attached = Attached.physically(path)) {
                assertEquals(fragmented.extents(), attached.map().count());
                for (int round = 0; round < 3000; round++) {
                    int block = random.below(blocks);
                    assertEquals(expected[block * 4096], attached.readByte(block * 4096L), "block " + block);
                    byte value = (byte) random.below(256);
                    attached.writeBlock(block * 4096L, value);
                    Arrays.fill(expected, block * 4096, (block + 1) * 4096, value);
                }
            }
            assertTrue(Arrays.equals(expected, Files.readAllBytes(path)), "content after detach");
            files.check();
            assertTrue(Arrays.equals(expected, Files.readAllBytes(path)), "content after unmount");
            fragmented.checkNeighbours();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void aReadOnlyDiskLeavesEvenTheTimeAlone(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, SIZE, 1);
            FileTime before = FileTime.fromMillis(1_000_000_000_000L);
            Files.setLastModifiedTime(path, before);
            try (Attached attached = Attached.attach(Attached.readOnly(path, Engine.PHYSICAL))) {
                assertTrue(attached.image.readOnly());
            }
            assertEquals(before, Files.getLastModifiedTime(path));
            try (Attached attached = Attached.physically(path)) {
                assertFalse(attached.image.readOnly());
            }
            assertTrue(Files.getLastModifiedTime(path).compareTo(before) > 0);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void aWindowIsADiskOfItsOwn(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, SIZE, 1);
            AttachRequest request =
                    new AttachRequest(path.toString(), "vnd0", Engine.PHYSICAL, false, false, 1 << 20, 4096 * 3 + 512);
            try (Attached attached = Attached.attach(request)) {
                assertEquals(4096 * 3 + 512, attached.image.sizeBytes());
                attached.writeBlock(4096, 'w');
            }
            byte[] content = Files.readAllBytes(path);
            assertEquals('w', content[(1 << 20) + 4096]);
        }
    }

    /** Old and unusual layouts of ext4; each with a write that must arrive in the right place. */
    @ParameterizedTest
    @ValueSource(strings = {"^extents,^64bit,^has_journal", "bigalloc", "^has_journal", "ea_inode"})
    void formsOfExt4(String features) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .makerOptions("-O", features)
                .create()) {
            Path path = files.path("image");
            DirectFile.fill(path, SIZE, 1);
            // Indirect blocks lie between the data from the thirteenth on.
            byte[] expected = Files.readAllBytes(path);
            try (Attached attached = Attached.physically(path)) {
                for (int block = 0; block < SIZE / 4096; block += 7) {
                    attached.writeBlock(block * 4096L, block);
                    Arrays.fill(expected, block * 4096, (block + 1) * 4096, (byte) block);
                }
            }
            files.check();
            assertTrue(Arrays.equals(expected, Files.readAllBytes(path)));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void whatIsReservedPastTheEndIsNotTheDisks(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, SIZE, 1);
            Command.output("fallocate", "-n", "-o", SIZE, "-l", SIZE, path);
            try (Attached attached = Attached.physically(path)) {
                assertEquals(SIZE, attached.image.sizeBytes());
                attached.writeBlock(SIZE - 4096, 'e');
            }
            assertEquals('e', Files.readAllBytes(path)[(int) SIZE - 1]);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void aMapOfAnotherFileIsNotConfirmed(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, SIZE, 1);
            Path other = files.path("other");
            DirectFile.fill(other, SIZE, 2);
            int fd = FileCalls.open(other.toString(), FileCalls.O_RDONLY);
            try (Attached attached = Attached.physically(path)) {
                ExtentRules rules = new ExtentRules(4096, Long.MAX_VALUE);
                MapConfirmation.check(attached.image.lock().descriptors()[0], path.toString(), attached.map(), rules);
                NotPhysicalException refused = assertThrows(
                        NotPhysicalException.class,
                        () -> MapConfirmation.check(fd, other.toString(), attached.map(), rules));
                assertEquals("it changed while it was being attached: byte 0 has moved", refused.getMessage());
            } finally {
                FileCalls.close(fd);
            }
        }
    }
}
