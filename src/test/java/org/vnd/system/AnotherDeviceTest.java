package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/**
 * An image's device number isn't its file's name: the same file is met by another when its file system was mounted from another
 * device, and a copy has the same inode number on another file system.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "losetup", "mount", "umount", "fsfreeze", "cp"})
class AnotherDeviceTest {
    private static final int SIZE = 1 << 20;

    /** The file system of {@code files} once more, by a loop device of its own. */
    private static final class SecondMount implements AutoCloseable {
        private final String device;
        private final Path folder;

        SecondMount(ScratchFileSystem files) throws Exception {
            // All that its journal has is where it belongs then.
            Command.output("fsfreeze", "--freeze", files.root());
            Command.output("fsfreeze", "--unfreeze", files.root());
            folder = Files.createTempDirectory("vnd-second-mount-");
            device = Command.output("losetup", "--find", "--show", "--read-only", files.backing())
                    .strip();
            Command.output("mount", "-o", "ro,noload", device, folder);
        }

        @Override
        public void close() throws Exception {
            Command.output("umount", folder);
            Command.output("losetup", "--detach", device);
            Files.delete(folder);
        }
    }

    @Test
    void theFileIsTheRunningDisksAllTheSame() throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, SIZE, 1);
            AttachedDisk disk = product.attach(image, "--export", "nbd");
            try (SecondMount second = new SecondMount(files)) {
                Path there = second.folder.resolve("image");
                String why = "vndconfig: " + there + ": already attached as vnd0 (pid " + disk.pid()
                        + ") by another device of its file system (in a copy of that: chattr -i and setfattr -x trusted.vnd on it)\n";
                assertEquals(why, product.run("--recover", there).exited(1).errors());
                assertEquals(why, product.run("-c", there).exited(1).errors());
            }
            disk.detach();
        }
    }

    @Test
    void aKilledDisksLoopDeviceIsFoundAllTheSame() throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, SIZE, 1);
            product.run("-c", "--export", "loop", "vnd0", image).succeeded();
            Path node = Files.readSymbolicLink(product.state().resolve("vnd0/vnd0"));
            try (InputStream user = Files.newInputStream(node)) {
                product.killAll();
                try (SecondMount second = new SecondMount(files)) {
                    Path there = second.folder.resolve("image");
                    String refusal = product.run("--recover", there).exited(1).errors();
                    assertTrue(refusal.contains(node + " still is that disk: unmount or close it first"), refusal);
                }
                assertTrue(user.read() >= 0, "it is served to the end");
            }
            product.run("--recover", "vnd0").succeeded();
        }
    }

    @Test
    void aCopyWithTheSameInodeNumberIsAFileOfItsOwn() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                ScratchFileSystem others =
                        ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("image");
            Path copy = others.path("image");
            DirectFile.fill(image, SIZE, 1);
            AttachedDisk disk = product.attach(image, "--export", "nbd");
            Command.output("cp", "-a", image, copy);
            assertEquals(Files.getAttribute(image, "unix:ino"), Files.getAttribute(copy, "unix:ino"));
            AttachedDisk another = product.attach(copy, "--export", "nbd");
            another.detach();
            assertTrue(ListedFlags.isImmutable(image));
            disk.detach();
        }
    }
}
