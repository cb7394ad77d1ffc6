package org.vnd.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Beside
@Requires(
        loop = true,
        tools = {"losetup", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "e2fsck", "xfs_repair", "btrfs"})
@ExtendWith(Seeded.class)
class ScratchFileSystemTest {
    @ParameterizedTest
    @EnumSource(FileSystemKind.class)
    void isMadeKeepsWhatIsWrittenAndGoesAway(FileSystemKind kind) throws Exception {
        Path root;
        Path device = null;
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            root = files.root();
            Files.writeString(files.path("a"), "kept");
            if (kind.hasDevice()) {
                device = files.device();
                files.cycle();
                files.check();
                assertEquals("kept", Files.readString(files.path("a")));
                String type = Command.output("findmnt", "-no", "FSTYPE", files.root());
                assertEquals(kind.type, type);
            }
        }
        assertFalse(Files.exists(root));
        assertFalse(Files.readString(Path.of("/proc/self/mounts")).contains(root.toString()));
        if (device != null) {
            assertEquals("", Command.output("losetup", "-n", "-O", "BACK-FILE", "-j", root + "/../backing"));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void crashLosesWhatWasNotSynced(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Files.writeString(files.path("synced"), "here");
            Command.output("sync", files.path("synced"), files.root());
            Files.writeString(files.path("unsynced"), "gone");
            files.crash();
            assertEquals("here", Files.readString(files.path("synced")));
            assertFalse(Files.exists(files.path("unsynced")));
            files.check();
        }
    }

    @Test
    void checkFindsDamage() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Files.writeString(files.path("a"), "x");
            files.unmount();
            new Command("debugfs", "-w", "-R", "clri a", files.device()).run().succeeded();
            files.mount();
            assertThrows(AssertionError.class, files::check);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void fragmenterMakesTenThousandExtentsBetweenItsNeighbours(FileSystemKind kind, SeededRandom random)
            throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(512).create()) {
            Fragmenter image = Fragmenter.make(files.path("image"), 192 << 20, 10_000, random);
            assertTrue(image.extents() >= 10_000);
            for (Extents.Extent extent : Extents.of(image.image())) {
                assertEquals(0, extent.flags() & ~Extents.LAST, "flags of " + extent);
            }
            image.checkNeighbours();
            files.check();
            image.checkNeighbours();

            overwrite(files.path("neighbours/neighbour-2"));
            assertThrows(AssertionError.class, image::checkNeighbours);
        }
    }

    private static void overwrite(Path file) throws Exception {
        // Direct, because a buffered write first wants free space to be reserved, and there is none. The first block,
        // because the second may be a hole.
        new Command("dd", "if=/dev/zero", "of=" + file, "bs=4096", "count=1", "conv=notrunc", "oflag=direct")
                .run()
                .succeeded();
    }
}
