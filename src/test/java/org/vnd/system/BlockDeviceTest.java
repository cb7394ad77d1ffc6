package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.export.fuse.FuseSwitch;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The disk as a block device of this host, by each way there is here. */
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "mkfs.xfs",
            "mkfs.btrfs",
            "e2fsck",
            "losetup",
            "qemu-io",
            "lsattr",
            "fio",
            "sfdisk",
            "partx",
            "nbdinfo"
        })
@ExtendWith(Seeded.class)
class BlockDeviceTest {
    private static final int MIB = 1 << 20;
    private static final long SIZE = 64 * MIB;

    /** Of {@link #SIZE}; in many pieces, unless it is to be a loop device by itself. */
    private static Path image(ScratchFileSystem files, String export, SeededRandom random) throws Exception {
        Path image = files.path("image");
        if (export.equals("loop") || files.kind() == FileSystemKind.BTRFS) {
            Command.output("fallocate", "-l", SIZE, image);
            Command.output("dd", "if=/dev/zero", "of=" + image, "bs=1M", "count=64", "oflag=direct", "conv=notrunc");
            Command.output("sync", image);
        } else {
            Fragmenter.make(image, SIZE, 4000, random);
        }
        return image;
    }

    private static Path node(Product product, AttachedDisk disk) {
        return product.state().resolve(disk.unit()).resolve(disk.unit());
    }

    private static Path fuseFile(Product product, AttachedDisk disk) {
        return product.state().resolve(disk.unit()).resolve(disk.unit() + ".fuse/disk");
    }

    @ParameterizedTest
    @CsvSource({"EXT4, loop", "EXT4, fuse+loop", "XFS, fuse+loop", "BTRFS, fuse+loop"})
    void partitionsHaveNamesOfTheirOwn(FileSystemKind kind, String export, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = image(files, export, random);
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            long seed = random.nextLong();
            AttachedDisk disk = product.attach(image, "--export", export);
            Path first = Path.of(node(product, disk) + "p1");
            Path second = Path.of(node(product, disk) + "p2");
            new Command("sfdisk", "-q", node(product, disk))
                    .input("size=20M\nsize=20M\n")
                    .run()
                    .succeeded();
            await(() -> Files.exists(first) && Files.exists(second));
            Command.output("mkfs.ext4", "-q", first);
            Command.output("mkfs.ext4", "-q", second);
            Command.output("mount", second, mountPoint);
            DirectFile.fill(mountPoint.resolve("content"), 10 * MIB, seed);
            String refusal = product.refusal("-u", disk.unit());
            assertTrue(refusal.matches(".*/dev/loop\\d+p2 is mounted on .*"), refusal);
            Command.output("umount", mountPoint);
            disk.detach();
            assertFalse(Files.exists(first, LinkOption.NOFOLLOW_LINKS));
            files.cycle();

            disk = product.attach(image, "--export", export);
            Command.output("e2fsck", "-fn", second);
            Command.output("mount", second, mountPoint);
            assertEquals(
                    DirectFile.checksumOfFilled(10 * MIB, seed), DirectFile.checksum(mountPoint.resolve("content")));
            Command.output("umount", mountPoint);
            Command.output("sfdisk", "-q", "--delete", node(product, disk));
            await(() -> !Files.exists(first, LinkOption.NOFOLLOW_LINKS));
            disk.detach();
            disk = product.attach(image, "--export", export, "-r");
            new Command("dd", "if=/dev/zero", "of=" + node(product, disk), "count=1")
                    .run()
                    .exited(1);
            disk.detach();
            Files.delete(mountPoint);
            files.unmountSoon();
            files.check();
        }
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        for (int attempt = 0; !condition.getAsBoolean(); attempt++) {
            assertTrue(attempt < 600, "not within a minute");
            Thread.sleep(100);
        }
    }

    @Test
    void fuseComesByIoUringWhereThatIsSwitchedOn(SeededRandom random) throws Exception {
        try (FuseSwitch on = new FuseSwitch();
                ScratchFileSystem files =
                        ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product();
                AttachedDisk disk = product.attach(image(files, "fuse+loop", random), "--export", "fuse+loop")) {
            Fio.verifyDevice(node(product, disk), true, Long.getLong("vnd.fio.seconds", 2), random);
            Path log = product.state().resolve(disk.unit()).resolve("log");
            assertTrue(Files.readString(log).contains("fuse: requests come by io_uring"), () -> "not said in " + log);
        }
    }

    /** Behind NBD is the same disk, and neither way has a cache. */
    @ParameterizedTest
    @CsvSource({"loop, true", "loop, false", "fuse+loop, true", "fuse+loop, false", "fuse, true", "fuse, false"})
    void bothWaysLeadToTheSameBytes(String export, boolean direct, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product();
                AttachedDisk disk = product.attach(image(files, export, random), "--export", export)) {
            Path node = export.equals("fuse") ? fuseFile(product, disk) : node(product, disk);
            Fio.verifyDevice(node, direct, Long.getLong("vnd.fio.seconds", 2), random);
            disk.qemuIo("write -P 0x5a 4k 1M", "flush").succeeded();
            // As qemu opens a device: with direct I/O, which doesn't see what the kernel has cached of it.
            new Command("qemu-io", "-f", "raw", "-n", "-r", "-c", "read -P 0x5a 4k 1M", node)
                    .run()
                    .succeeded();
        }
    }

    /** Larger than the device's block, as large, and smaller, where this process puts blocks together. */
    @ParameterizedTest
    @CsvSource({
        "512, 512, loop",
        "512, 4096, loop",
        "512, 4096, fuse+loop",
        "4096, 4096, loop",
        "4096, 512, fuse+loop",
        "4096, 512, auto"
    })
    void sectorsAreAsAskedFor(int deviceBytes, int sectorBytes, String export, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sectorBytes(deviceBytes)
                        .create();
                Product product = new Product();
                AttachedDisk disk = product.attach(
                        image(files, "loop", random), "--export", export, "--sector-size", "" + sectorBytes)) {
            Path node = node(product, disk);
            assertEquals(
                    "" + sectorBytes,
                    Command.output("blockdev", "--getss", node).strip());
            new Command("fio", "--name=verified", "--filename=" + node, "--direct=1", "--rw=randwrite")
                    .with("--bsrange=" + sectorBytes + "-64k", "--blockalign=" + sectorBytes, "--iodepth=32")
                    .with("--ioengine=libaio", "--verify=crc32c", "--number_ios=1000", "--randseed=" + random.seed())
                    .run()
                    .succeeded();
            String info = Command.output("nbdinfo", disk.uri());
            assertTrue(info.contains("block_size_minimum: " + sectorBytes), info);
        }
    }

    @Test
    void aSectorThatCantBeHadIsRefused(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sectorBytes(4096)
                        .create();
                Product product = new Product()) {
            Path image = image(files, "loop", random);
            String refusal = product.refusal("-c", "--export", "loop", "--sector-size", "512", "vnd0", image);
            assertEquals(
                    "vndconfig: " + image
                            + ": no loop: it can't have sectors of 512 bytes on a device with blocks of 4096",
                    refusal.strip());
            assertTrue(product.disks().isEmpty());
        }
    }

    /** Told to end all the same, it says what it waits for, and ends when that has. */
    @ParameterizedTest
    @CsvSource({"loop", "fuse+loop"})
    void byForceItEndsWhenItsUsersHave(String export, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.XFS).create();
                Product product = new Product()) {
            Path image = image(files, export, random);
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            AttachedDisk disk = product.attach(image, "--export", export);
            Command.output("mkfs.ext4", "-q", node(product, disk));
            Command.output("mount", node(product, disk), mountPoint);
            String waits =
                    product.run("-u", "-F", disk.unit()).succeeded().errors().strip();
            assertTrue(waits.contains("is mounted on " + mountPoint + "; it is detached when that ends"), waits);
            Files.writeString(mountPoint.resolve("late"), "written after that");
            assertEquals(1, product.disks().size());
            Command.output("umount", mountPoint);
            String unit = disk.unit();
            await(() -> !Files.exists(product.state().resolve(unit)));
            assertEquals(0, product.disks().size());

            disk = product.attach(image, "--export", export);
            Command.output("mount", "-o", "ro", node(product, disk), mountPoint);
            assertEquals("written after that", Files.readString(mountPoint.resolve("late")));
            Command.output("umount", mountPoint);
            disk.detach();
            Files.delete(mountPoint);
        }
    }

    /** Whatever was dirty in the kernel's cache of the device, nothing waits for a daemon that is dead. */
    @Test
    void aKilledDaemonLeavesNothingThatHangs(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = image(files, "fuse+loop", random);
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            for (boolean mounted : new boolean[] {false, true}) {
                AttachedDisk disk = product.attach(image, "--export", "fuse+loop");
                Path device = node(product, disk).toRealPath();
                if (mounted) {
                    Command.output("mkfs.ext4", "-q", device);
                    Command.output("mount", device, mountPoint);
                    Files.write(mountPoint.resolve("dirty"), new byte[8 * MIB]);
                } else {
                    Command.output("dd", "if=/dev/urandom", "of=" + device, "bs=1M", "count=16");
                }
                ProcessHandle keeper = disk.keeper();
                disk.killDaemon();
                keeper.onExit().join();
                if (mounted) {
                    new Command("umount", mountPoint).limitSeconds(60).run();
                }
                await(() ->
                        !Files.exists(Path.of("/sys/block", device.getFileName().toString(), "loop")));
                product.run("--recover", image).succeeded();
            }
            Files.delete(mountPoint);
            product.attach(image, "--export", "fuse+loop").detach();
        }
    }

    @Test
    void withoutALoopDeviceItIsAFile(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = image(files, "fuse", random);
            AttachedDisk disk = product.attach(image, "--export", "fuse");
            Path file = fuseFile(product, disk);
            assertTrue(product.run("-l", "-v").output().contains("\tfuse: " + file), "listed");
            assertEquals(SIZE, Files.size(file));
            disk.qemuIo("write -P 0x5a 0 1M", "flush").succeeded();
            new Command("qemu-io", "-f", "raw", "-c", "read -P 0x5a 0 1M", "-c", "write -P 0x5b 1M 1M", file)
                    .run()
                    .succeeded();
            disk.qemuIo("read -P 0x5b 1M 1M").succeeded();
            try (Command.Running reader = new Command("sh", "-c", "exec sleep 60 < " + file).start()) {
                await(() -> product.run("-u", disk.unit()).errors().contains("used by sleep (" + reader.pid()));
                reader.kill();
            }
            disk.detach();
            assertFalse(Files.exists(product.state().resolve(disk.unit())));

            AttachedDisk again = product.attach(image, "--export", "fuse");
            ProcessHandle keeper = again.keeper();
            again.killDaemon();
            keeper.onExit().join();
            assertEquals(
                    "",
                    new Command("grep", product.state(), "/proc/mounts").run().output());
            product.run("--recover", image).succeeded();
        }
    }
}
