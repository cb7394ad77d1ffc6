package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.sys.DeviceNumber;

@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs"})
class SuperblockTest {
    @TempDir
    Path folder;

    private static DeviceNumber numberOf(Path device) throws IOException {
        return DeviceNumber.unpack(((Number) Files.getAttribute(device, "unix:rdev")).longValue());
    }

    private static Path device(Path backing, long sizeBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        return backing;
    }

    /** Nor one without a size, as a loop device has none that was taken away under its file system: nothing is written there. */
    @Test
    void whatHasNoFileSystemIsNobodysCopy() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                ScratchFileSystem others =
                        ScratchFileSystem.of(FileSystemKind.XFS).create();
                LoopDevice zeros = LoopDevice.attach(device(folder.resolve("zeros"), 1 << 20), false);
                LoopDevice none = LoopDevice.attach(device(folder.resolve("none"), 0), false)) {
            DeviceNumber one = numberOf(files.device());
            assertTrue(Superblock.mayBeSame(one, one));
            assertFalse(Superblock.mayBeSame(one, numberOf(others.device())));
            assertFalse(Superblock.mayBeSame(one, numberOf(zeros.path())));
            assertFalse(Superblock.mayBeSame(one, numberOf(none.path())));
        }
    }
}
