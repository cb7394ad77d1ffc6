package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
        tools = {
            "mkfs.ext4",
            "mkfs.xfs",
            "lsattr",
            "losetup",
            "mount",
            "umount",
            "fsfreeze",
            "cp",
            "e2fsck",
            "tune2fs",
            "xfs_admin"
        })
class AnotherDeviceTest {
    private static final int SIZE = 1 << 20;
    private static final String PERHAPS_OF_A_COPY =
            " (on %s, whose file system may be this one, by its UUID, or because that can't be read: unmount a copy and"
                    + " give it another, with e2fsck -f and tune2fs -U random, or with xfs_admin -U generate)";

    /** A file system once more, by a loop device of its own. */
    private static final class SecondMount implements AutoCloseable {
        private final String device;
        private final Path folder;

        private SecondMount(Path backing, String access, String mountOptions) throws Exception {
            folder = Files.createTempDirectory("vnd-second-mount-");
            device = Command.output("losetup", "--find", "--show", access, backing)
                    .strip();
            mount(mountOptions);
        }

        /** The one of {@code files} itself, to read. */
        static SecondMount of(ScratchFileSystem files) throws Exception {
            // All that its journal has is where it belongs then.
            Command.output("fsfreeze", "--freeze", files.root());
            Command.output("fsfreeze", "--unfreeze", files.root());
            return new SecondMount(files.backing(), "--read-only", "ro,noload");
        }

        /** A copy of its blocks, in {@code copy}, as a snapshot is one. */
        static SecondMount ofCopy(ScratchFileSystem files, Path copy) throws Exception {
            Command.output("fsfreeze", "--freeze", files.root());
            Command.output("cp", "--sparse=always", files.backing(), copy);
            Command.output("fsfreeze", "--unfreeze", files.root());
            return new SecondMount(copy, "--direct-io=on", files.kind() == FileSystemKind.XFS ? "nouuid" : "defaults");
        }

        void mount(String options) {
            Command.output("mount", "-o", options, device, folder);
        }

        void unmount() {
            Command.output("umount", folder);
        }

        @Override
        public void close() throws Exception {
            unmount();
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
            try (SecondMount second = SecondMount.of(files)) {
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
                try (SecondMount second = SecondMount.of(files)) {
                    Path there = second.folder.resolve("image");
                    String refusal = product.run("--recover", there).exited(1).errors();
                    assertTrue(refusal.contains(node + PERHAPS_OF_A_COPY.formatted(files.device())), refusal);
                    assertTrue(refusal.contains(" still is that disk: unmount or close it first"), refusal);
                }
                assertTrue(user.read() >= 0, "it is served to the end");
            }
            product.run("--recover", "vnd0").succeeded();
        }
    }

    /** All that tells a copy from the file system itself by another device is up to him who has made it. */
    @ParameterizedTest
    @CsvSource({"EXT4, e2fsck -f -p $1; tune2fs -U random $1", "XFS, xfs_admin -U generate $1"})
    void aCopyIsADiskOfItsOwnAsSoonAsItHasAnotherUuid(FileSystemKind kind, String remedy, @TempDir Path scratch)
            throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(kind).sizeMebibytes(300).buffered().create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, SIZE, 1);
            AttachedDisk disk = product.attach(image, "--export", "loop");
            Path node = Files.readSymbolicLink(product.state().resolve("vnd0/vnd0"));
            try (SecondMount second = SecondMount.ofCopy(files, scratch.resolve("copy"))) {
                Path there = second.folder.resolve("image");
                assertTrue(
                        product.refusal("-c", there).contains("already attached as vnd0"),
                        "it says so of the copy, too");
                Command.output("chattr", "-i", there);
                Command.output("setfattr", "-x", "trusted.vnd", there);
                assertEquals(
                        "vndconfig: " + there + ": in use: " + node + PERHAPS_OF_A_COPY.formatted(files.device())
                                + " is a disk of its blocks already: unmount or close it first",
                        product.refusal("-c", there));
                second.unmount();
                Command.output("sh", "-euc", remedy, "sh", second.device);
                second.mount("defaults");
                AttachedDisk another = product.attach(there, "--export", "nbd");
                assertEquals("physical", another.engine());
                another.detach();
            }
            disk.detach();
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
