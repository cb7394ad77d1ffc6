package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The daemon of a mounted disk is stopped, debugged, and killed while it is: its users wait or get errors, and can be killed. */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "e2fsck", "gdb", "dd"})
@ExtendWith(Seeded.class)
class StoppedDeviceTest {
    private static final long SIZE = 64 << 20;
    private static final String WRITE = "while dd if=/dev/urandom of=$0 bs=64k count=8 oflag=direct conv=notrunc,fsync"
            + " status=none; do echo written; done";

    @ParameterizedTest
    @ValueSource(strings = {"fuse+loop", "fuse"})
    void stopsAndGoesOn(String export, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image =
                    Fragmenter.make(files.path("image"), SIZE, 4000, random).image();
            Path mountPoint = Files.createTempDirectory("vnd-mount-");
            AttachedDisk disk = product.attach(image, "--export", export);
            Path folder = product.state().resolve(disk.unit());
            boolean mounted = export.equals("fuse+loop");
            Path file = mounted ? mountPoint.resolve("file") : folder.resolve(disk.unit() + ".fuse/disk");
            if (mounted) {
                Command.output("mkfs.ext4", "-q", folder.resolve(disk.unit()));
                Command.output("mount", folder.resolve(disk.unit()), mountPoint);
            }
            try (Command.Running writer = new Command("sh", "-c", WRITE, file).start()) {
                awaitProgress(writer);
                Command.output("kill", "-STOP", disk.pid());
                Thread.sleep(1000);
                String stopped = writer.output();
                Thread.sleep(1500);
                assertEquals(stopped, writer.output(), "who is stopped serves nothing");
                assertEquals(1, product.disks().size(), "a listing doesn't wait for it");
                Command.output("kill", "-CONT", disk.pid());
                awaitProgress(writer);

                for (int attempt = 0; attempt < 3; attempt++) {
                    String seen =
                            Command.output("gdb", "--batch", "--nx", "-p", disk.pid(), "-ex", "thread apply all bt 3");
                    assertTrue(seen.contains("Thread "), seen);
                    awaitProgress(writer);
                }

                Command.output("kill", "-STOP", disk.pid());
                ProcessHandle keeper = disk.keeper();
                disk.killDaemon();
                keeper.onExit().join();
                writer.await(60).exited(0);
                assertTrue(writer.errors().contains("dd: "), writer.errors());
            }
            AtomicReference<String> told = new AtomicReference<>("");
            await(() -> {
                Command.Result recovered = product.run("--recover");
                told.set(told.get() + recovered.output());
                return recovered.exitCode() == 0;
            });
            if (mounted) {
                assertTrue(told.get().contains("what is written to /dev/loop"), told.get());
                assertTrue(
                        told.get().contains(" is mounted on " + mountPoint + "): unmount or close it\n"), told.get());
                new Command("umount", mountPoint).run();
            }
            AttachedDisk again = product.attach(image, "--export", export);
            if (mounted) {
                // The journal of a file system whose disk has gone.
                new Command("e2fsck", "-fy", folder.resolve(again.unit())).run();
                Command.output("e2fsck", "-fn", folder.resolve(again.unit()));
            }
            again.detach();
            Files.delete(mountPoint);
        }
    }

    @Test
    void aTimeoutEndsTheWaiting(SeededRandom random) throws Exception {
        Assumptions.assumeTrue(
                Files.exists(Path.of("/proc/sys/fs/fuse/max_request_timeout")), "this kernel's FUSE has no timeouts");
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image =
                    Fragmenter.make(files.path("image"), SIZE, 4000, random).image();
            AttachedDisk disk = product.attach(image, "--export", "fuse+loop", "--timeout", "3");
            Path node = product.state().resolve(disk.unit()).resolve(disk.unit());
            try (Command.Running writer = new Command("sh", "-c", WRITE, node).start()) {
                awaitProgress(writer);
                Command.output("kill", "-STOP", disk.pid());
                writer.await(60).exited(0);
                assertTrue(writer.errors().contains("Input/output error"), writer.errors());
                Command.output("kill", "-CONT", disk.pid());
            }
            await(() -> product.run("-l", "-v", disk.unit()).output().contains("\tfuse+loop: gone\n"));
            disk.qemuIo("write -P 7 0 64k", "read -P 7 0 64k", "flush").succeeded();
            product.run("-u", disk.unit());
            assertEquals(0, product.disks().size());
        }
    }

    /** As a program makes one that opens a partition's name before that is there. */
    @Test
    void whatIsInTheWayOfANameIsTold() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 0);
            AttachedDisk disk = product.attach(image, "--export", "fuse+loop");
            Path node = product.state().resolve(disk.unit()).resolve(disk.unit());
            Path partition = Files.writeString(Path.of(node + "p1"), "written by mistake");
            new Command("sfdisk", "-q", node).input("size=4M\n").run().succeeded();
            String told = "\twithout: name: " + partition + " is in the way: it is no link; move it away\n";
            await(() -> product.run("-l", "-v", disk.unit()).output().contains(told));
            Files.delete(partition);
            await(() -> Files.isSymbolicLink(partition)
                    && !product.run("-l", "-v", disk.unit()).output().contains("without: name"));
            product.run("-u", disk.unit()).succeeded();
        }
    }

    private static void awaitProgress(Command.Running writer) throws InterruptedException {
        String before = writer.output();
        await(() -> !before.equals(writer.output()));
        assertTrue(writer.alive(), writer.errors());
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        for (int attempt = 0; !condition.getAsBoolean(); attempt++) {
            assertTrue(attempt < 600, "not within a minute");
            Thread.sleep(100);
        }
    }
}
