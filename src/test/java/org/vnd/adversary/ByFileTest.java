package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.system.AttachedDisk;
import org.vnd.system.Product;

/**
 * By the file engine, on btrfs, hostile operations aren't refused, as they aren't to any program with a file open. They
 * don't lead a write astray: it is in the file, wherever the file's blocks and name are by then, and in no other. A file that
 * was cut is written to no more.
 */
@Requires(
        loop = true,
        tools = {"cc", "mkfs.btrfs", "qemu-io"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ByFileTest {
    private static final int SIZE = 8 << 20;
    private static final int PLACE = 3 << 20;
    private static final int LENGTH = 64 << 10;

    private final Product product = new Product();
    private final ScratchFileSystem files =
            ScratchFileSystem.of(FileSystemKind.BTRFS).sizeMebibytes(1024).create();

    @ParameterizedTest
    @EnumSource
    void keepsEveryWriteInTheFile(HostileOperation operation) throws Exception {
        if (!operation.worksOn(FileSystemKind.BTRFS)) {
            return;
        }
        Path image = files.path("image");
        Path other = files.path("image.other");
        DirectFile.fill(image, SIZE, 1);
        Object inode = Files.getAttribute(image, "unix:ino");
        try (AttachedDisk disk = product.attach(image);
                Adversary adversary = new Adversary(operation, image)) {
            assertEquals("file", disk.engine());
            if (adversary.prepared()) {
                adversary.act();
            }
            long size = Files.exists(image) ? Files.size(image) : SIZE;
            byte[] others = Files.exists(other) ? DirectFile.read(other) : new byte[0];
            Command.Result written = disk.qemuIo("write -P 0x5a 3M 64k", "flush", "read -P 0x5a 3M 64k");
            if (size < SIZE) {
                assertTrue(written.exitCode() != 0, () -> operation + ": " + written);
                assertEquals(size, Files.size(image), "made longer again");
                product.run("-u", disk.unit()).exited(1);
                return;
            }
            assertTrue(written.exitCode() == 0, () -> operation + ": " + written);
            Path now = inode.equals(inode(image)) ? image : inode.equals(inode(other)) ? other : null;
            if (now != null) {
                byte[] pattern = new byte[LENGTH];
                Arrays.fill(pattern, (byte) 0x5a);
                byte[] content = DirectFile.read(now);
                assertEquals(-1, Arrays.mismatch(pattern, Arrays.copyOfRange(content, PLACE, PLACE + LENGTH)));
            }
            if (Files.exists(other) && !inode.equals(inode(other))) {
                assertEquals(-1, Arrays.mismatch(others, DirectFile.read(other)));
            }
            Command.Result detached = product.run("-u", disk.unit());
            assertTrue(
                    detached.exitCode() == 0 || detached.errors().startsWith("vndconfig: vnd0: detached, but "),
                    () -> operation + ": " + detached);
        } finally {
            new Command("chattr", "-ia", image).run();
            Files.deleteIfExists(image);
        }
    }

    private static Object inode(Path path) throws Exception {
        return Files.exists(path) ? Files.getAttribute(path, "unix:ino") : "none";
    }

    @AfterAll
    void close() {
        product.close();
        files.close();
    }
}
