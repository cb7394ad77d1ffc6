package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The disk as a loop device of this host: the kernel alone serves it, and the daemon keeps the lock. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "e2fsck", "losetup", "qemu-io", "lsattr", "fio", "perl"})
@ExtendWith(Seeded.class)
class LoopExportTest {
    private static final long SIZE = 48 << 20;

    /** In one extent, which a file system gives a file of this size on its empty self. */
    private static Path contiguous(ScratchFileSystem files) throws Exception {
        Path image = files.path("image");
        Command.output("fallocate", "-l", SIZE, image);
        Command.output("dd", "if=/dev/zero", "of=" + image, "bs=1M", "count=48", "oflag=direct", "conv=notrunc");
        Command.output("sync", image);
        assertEquals(1, Extents.of(image).size(), "the file system is too full, or too odd");
        return image;
    }

    private static Path node(Product product, AttachedDisk disk) {
        return product.state().resolve(disk.unit()).resolve(disk.unit());
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void aFileSystemOnItIsThereAfterDetachAndAttach(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = contiguous(files);
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            Path content = mountPoint.resolve("content");
            long seed = random.nextLong();
            AttachedDisk disk = product.attach(image, "--export", "loop");
            assertTrue(product.run("-l", "-v", disk.unit()).output().contains("\tloop: " + node(product, disk)));
            Command.output("mkfs.ext4", "-q", node(product, disk));
            Command.output("mount", node(product, disk), mountPoint);
            DirectFile.fill(content, 20 << 20, seed);

            // Mounted, it stays, and says why.
            String refusal = product.refusal("-u", disk.unit());
            assertTrue(refusal.contains("Device busy"), refusal);
            assertTrue(refusal.contains("is mounted on " + mountPoint), refusal);
            assertEquals(DirectFile.checksumOfFilled(20 << 20, seed), DirectFile.checksum(content));

            Command.output("umount", mountPoint);
            disk.detach();
            assertFalse(Files.exists(node(product, disk), LinkOption.NOFOLLOW_LINKS));
            assertEquals("", loopsOn(files));
            files.cycle();

            disk = product.attach(image, "--export", "loop", "-r");
            Command.output("mount", "-o", "ro", node(product, disk), mountPoint);
            assertEquals(DirectFile.checksumOfFilled(20 << 20, seed), DirectFile.checksum(content));
            Command.output("umount", mountPoint);
            Command.output("e2fsck", "-fn", node(product, disk));
            disk.detach();
            Files.delete(mountPoint);
            files.unmountSoon();
            files.check();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"loop", "fuse+loop"})
    void directInputAndOutputIsSwitchedOnAgain(String export) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            AttachedDisk disk = product.attach(contiguous(files), "--export", export);
            Path device = node(product, disk).toRealPath();
            Path direct = Path.of("/sys/block", device.getFileName().toString(), "loop/dio");
            Command.output("losetup", "--direct-io=off", device);
            for (int attempt = 0; !Files.readString(direct).equals("1\n"); attempt++) {
                assertTrue(attempt < 300, "it goes by the cache below");
                Thread.sleep(100);
            }
            disk.detach();
        }
    }

    /** Without "autoclear", as root may have it, it would stay without a user. */
    @Test
    void goesWithItsDaemonWhateverItsFlags() throws Exception {
        String noAutoclear = """
                open(my $loop, "<", $ARGV[0]) or die $!;
                my $status = "\\0" x 232;
                ioctl($loop, 0x4c05, $status) or die $!;
                substr($status, 52, 4) = pack("L", unpack("L", substr($status, 52, 4)) & ~4);
                ioctl($loop, 0x4c04, $status) or die $!;
                """;
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = contiguous(files);
            AttachedDisk disk = product.attach(image, "--export", "loop");
            Command.output("perl", "-e", noAutoclear, node(product, disk).toRealPath());
            disk.killDaemon();
            for (int attempt = 0; !loopsOn(files).isEmpty(); attempt++) {
                assertTrue(attempt < 300, "it stays without a user");
                Thread.sleep(100);
            }
            product.run("--recover", image).succeeded();
        }
    }

    /** The kernel can't be made to wait until it is known who wanted what; so it stops for good while that one still waits. */
    @Test
    void whoWantsToWriteToTheFileStopsTheKernelToo(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = contiguous(files);
            AttachedDisk disk = product.attach(image, "--export", "loop");
            Path node = node(product, disk);
            new Command("sfdisk", "-q", node).input("size=20M\n").run().succeeded();
            Path partition = Path.of(node + "p1");
            for (int attempt = 0; !Files.exists(partition); attempt++) {
                assertTrue(attempt < 600, "no partition");
                Thread.sleep(100);
            }
            // Which opens nothing, and waits for the lease.
            Command.output("chattr", "-i", image);
            new Command("timeout", 3, "perl", "-e", "truncate($ARGV[0], -s $ARGV[0])", image)
                    .run()
                    .exited(124);
            for (int attempt = 0; !product.run("-l", "-v", disk.unit()).output().contains("failed"); attempt++) {
                assertTrue(attempt < 600, "it goes on");
                Thread.sleep(100);
            }
            for (Path gone : List.of(node, partition)) {
                new Command("dd", "if=/dev/zero", "of=" + gone, "bs=4k", "count=1", "oflag=direct", "conv=notrunc")
                        .run()
                        .exited(1);
                new Command("dd", "if=" + gone, "of=/dev/null", "bs=4k", "count=1", "iflag=direct").run();
            }
            String ended = product.command("-u", disk.unit()).run().exited(1).errors();
            assertTrue(ended.contains("detached, but"), ended);
            assertEquals("", loopsOn(files));
        }
    }

    /** Also where the program that keeps the device was killed, and the device goes on for those who have it open. */
    @Test
    void whoWantsToWriteToTheFileStopsALostDeviceToo() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = contiguous(files);
            AttachedDisk disk = product.attach(image, "--export", "loop");
            Path device = node(product, disk).toRealPath();
            try (FileChannel user = FileChannel.open(device, StandardOpenOption.READ)) {
                ProcessHandle keeps = ProcessHandle.of(disk.pid())
                        .orElseThrow()
                        .children()
                        .filter(child -> child.info().command().orElse("").endsWith("vnd-loop"))
                        .findFirst()
                        .orElseThrow();
                keeps.destroyForcibly();
                keeps.onExit().join();
                assertTrue(user.read(ByteBuffer.allocate(4096), 8 << 20) > 0);
                Command.output("chattr", "-i", image);
                new Command("timeout", 3, "perl", "-e", "truncate($ARGV[0], -s $ARGV[0])", image)
                        .run()
                        .exited(124);
                for (int attempt = 0;
                        !product.run("-l", "-v", disk.unit()).output().contains("failed");
                        attempt++) {
                    assertTrue(attempt < 600, "it goes on");
                    Thread.sleep(100);
                }
                assertEquals(
                        "0", Command.output("blockdev", "--getsize64", device).strip());
            }
            String ended = product.command("-u", disk.unit()).run().exited(1).errors();
            assertTrue(ended.contains("detached, but"), ended);
            assertEquals("", loopsOn(files));
        }
    }

    @Test
    void isRefusedWhereTheImageIsInPieces(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("pieces");
            Fragmenter.make(image, 96 << 20, 4000, random);
            String before = ListedFlags.of(image);
            String refusal = product.refusal("-c", "--export", "loop", "vnd0", image);
            assertTrue(refusal.contains("it needs an image in one extent, this has "), refusal);
            assertTrue(product.disks().isEmpty());
            assertEquals(before, ListedFlags.of(image));
            String taken = product.run("-c", "--export", "auto", "vnd0", image)
                    .succeeded()
                    .errors();
            assertTrue(taken.startsWith("vnd0: " + product.state().resolve("vnd0/vnd0") + " by "), taken);
            assertTrue(taken.contains("no loop: it needs an image in one extent, this has "), taken);
            product.run("-u", "vnd0").succeeded();
        }
    }

    /** The kernel serves on what a dead daemon has left mounted; nobody else may have the blocks until that ends. */
    @Test
    void afterACrashItsUsersKeepTheFileLocked() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = contiguous(files);
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            AttachedDisk disk = product.attach(image, "--export", "loop");
            Command.output("mkfs.ext4", "-q", node(product, disk));
            Command.output("mount", node(product, disk), mountPoint);
            ProcessHandle keeper = disk.keeper();
            disk.killDaemon();
            keeper.onExit().join();
            // The name might lead to somebody else's device soon.
            assertFalse(Files.exists(node(product, disk), LinkOption.NOFOLLOW_LINKS));
            String refusal = product.refusal("--recover", image);
            assertTrue(refusal.contains("which is gone, but /dev/loop"), refusal);
            assertTrue(ListedFlags.isImmutable(image));
            Files.writeString(mountPoint.resolve("late"), "written after the crash");
            Command.output("umount", mountPoint);
            product.run("--recover", image).succeeded();
            assertFalse(ListedFlags.isImmutable(image));
            AttachedDisk again = product.attach(image, "--export", "loop");
            Command.output("mount", node(product, again), mountPoint);
            assertEquals("written after the crash", Files.readString(mountPoint.resolve("late")));
            Command.output("umount", mountPoint);
            again.detach();
            Files.delete(mountPoint);
        }
    }

    private static String loopsOn(ScratchFileSystem files) {
        return Command.output("losetup", "--associated", files.device()).strip();
    }
}
