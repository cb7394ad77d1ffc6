package org.vnd.user;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** Root, with an ext4 on which images can be attached physically, and nothing left of him after each test.
 * A subclass that requires more requires this as well: its annotation stands instead of this one. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "getfattr", "flock", "nbdcopy", "nbdinfo", "qemu-io", "qemu-img"})
@Timeout(180)
abstract class DiskTest {
    static final int MEBIBYTE = 1 << 20;

    static ScratchFileSystem files;

    Caller root;

    @BeforeAll
    static void makeFileSystem() {
        // The first run of a new build makes its class archives, and says so.
        new Command(Caller.ownProgram(), "--version").limitSeconds(300).run().succeeded();
        files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .sizeMebibytes(256)
                .buffered()
                .create();
    }

    @AfterAll
    static void removeFileSystem() {
        files.close();
    }

    @BeforeEach
    void begin() {
        root = new Caller(files.root());
    }

    @AfterEach
    void end() {
        root.close();
    }

    /** An image whose every block is written, by a seed that is its size. */
    static Path image(String name, int sizeBytes) throws IOException {
        Path image = files.path(name);
        Files.deleteIfExists(image);
        DirectFile.fill(image, sizeBytes, sizeBytes);
        return image;
    }
}
