package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The disk as a loop device of this host: the kernel alone serves it, and the daemon keeps the lock. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "e2fsck", "losetup", "qemu-io", "lsattr", "fio"})
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

            // Mounted, it stays, whoever asks, and says why.
            for (List<String> asked : List.of(List.of("-u"), List.of("-u", "-F"))) {
                String refusal = product.command(asked.toArray())
                        .with(disk.unit())
                        .run()
                        .exited(1)
                        .errors();
                assertTrue(refusal.contains("Device busy"), refusal);
                assertTrue(refusal.contains("is mounted on " + mountPoint), refusal);
            }
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

    @Test
    @Requires(tools = {"sfdisk", "partx"})
    void partitionsHaveNamesOfTheirOwn(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = contiguous(files);
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            long seed = random.nextLong();
            AttachedDisk disk = product.attach(image, "--export", "loop");
            Path first = Path.of(node(product, disk) + "p1");
            Path second = Path.of(node(product, disk) + "p2");
            new Command("sfdisk", "-q", node(product, disk))
                    .input("size=20M\nsize=20M\n")
                    .run()
                    .succeeded();
            await(() -> Files.exists(second));
            Command.output("mkfs.ext4", "-q", first);
            Command.output("mkfs.ext4", "-q", second);
            Command.output("mount", second, mountPoint);
            DirectFile.fill(mountPoint.resolve("content"), 10 << 20, seed);
            String refusal = product.refusal("-u", disk.unit());
            assertTrue(refusal.matches(".*/dev/loop\\d+p2 is mounted on .*"), refusal);
            Command.output("umount", mountPoint);
            disk.detach();
            assertFalse(Files.exists(first, LinkOption.NOFOLLOW_LINKS));

            disk = product.attach(image, "--export", "loop");
            Command.output("mount", second, mountPoint);
            assertEquals(
                    DirectFile.checksumOfFilled(10 << 20, seed), DirectFile.checksum(mountPoint.resolve("content")));
            Command.output("umount", mountPoint);
            Command.output("sfdisk", "-q", "--delete", node(product, disk));
            await(() -> !Files.exists(first, LinkOption.NOFOLLOW_LINKS));
            disk.detach();
            Files.delete(mountPoint);
        }
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        for (int attempt = 0; !condition.getAsBoolean(); attempt++) {
            assertTrue(attempt < 600, "not within a minute");
            Thread.sleep(100);
        }
    }

    /** Behind NBD is the same disk, and neither way has a cache. */
    @Test
    void bothWaysLeadToTheSameBytes(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product();
                AttachedDisk disk = product.attach(contiguous(files), "--export", "loop")) {
            new Command("fio", "--name=verified", "--filename=" + node(product, disk), "--direct=1")
                    .with("--rw=randwrite", "--bsrange=512-64k", "--size=" + SIZE, "--iodepth=32")
                    .with("--ioengine=io_uring", "--verify=crc32c", "--number_ios=5000", "--randseed=" + random.seed())
                    .run()
                    .succeeded();
            disk.qemuIo("write -P 0x5a 4k 1M", "flush").succeeded();
            new Command("qemu-io", "-f", "raw", "-n", "-r", "-c", "read -P 0x5a 4k 1M", node(product, disk))
                    .run()
                    .succeeded();
        }
    }

    @Test
    void isRefusedWhereTheImageIsInPieces(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("pieces");
            Fragmenter.make(image, 96 << 20, 4000, random);
            String before = Command.output("lsattr", image);
            String refusal = product.refusal("-c", "--export", "loop", "vnd0", image);
            assertTrue(refusal.contains("it needs an image in one extent, this has "), refusal);
            assertTrue(product.disks().isEmpty());
            assertEquals(before, Command.output("lsattr", image));
            String taken = product.run("-c", "--export", "auto", "vnd0", image)
                    .succeeded()
                    .errors();
            assertTrue(taken.startsWith("vndconfig: vnd0: NBD socket only: no loop device: it needs"), taken);
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
            assertTrue(Command.output("lsattr", image).split(" ")[0].contains("i"));
            Files.writeString(mountPoint.resolve("late"), "written after the crash");
            Command.output("umount", mountPoint);
            product.run("--recover", image).succeeded();
            assertFalse(Command.output("lsattr", image).split(" ")[0].contains("i"));
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
