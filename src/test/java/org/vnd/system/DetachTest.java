package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** When {@code -u} returns, the disk is gone, with everything it held. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "qemu-io", "getfattr", "strace"})
class DetachTest {
    @ParameterizedTest
    @CsvSource({"EXT4, physical", "XFS, physical", "EXT4, file", "BTRFS, file"})
    void leavesNothingBehind(FileSystemKind kind, String engine) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            String flags = ListedFlags.of(image);
            for (int round = 0; round < 5; round++) {
                AttachedDisk disk = product.attach(image, "--engine", engine);
                assertEquals(engine, disk.engine());
                disk.qemuIo("write -P 7 0 1M").succeeded();
                // A client that has just hung up may still count: that is what busy means.
                product.run("-u", "-F", disk.unit()).succeeded();
                files.unmount();
                files.mount();
                assertEquals(flags, ListedFlags.of(image));
                assertEquals("", Command.output("getfattr", "-d", "-m", "-", image));
                assertTrue(ProcessHandle.of(disk.pid()).isEmpty(), "the daemon lives");
                assertTrue(product.disks().isEmpty());
                assertEquals(7, Files.readAllBytes(image)[(1 << 20) - 1]);
            }
        }
    }

    /** Nothing can be unlocked in a file system that was shut down; then force ends the disk, and says what is left. */
    @ParameterizedTest
    @CsvSource({"EXT4", "XFS"})
    void givesUpADiskWhoseFileSystemIsShutDown(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            AttachedDisk disk = product.attach(image);
            disk.qemuIo("write -P 7 0 1M", "flush").succeeded();
            files.shutDown();
            String refusal = product.refusal("-u", disk.unit());
            assertTrue(refusal.contains(image.toString()), refusal);
            assertTrue(refusal.contains("-F"), refusal);
            assertTrue(disk.daemon().isAlive());
            String givenUp = product.refusal("-u", "-F", disk.unit());
            assertTrue(givenUp.contains("given up"), givenUp);
            assertTrue(ProcessHandle.of(disk.pid()).isEmpty(), "the daemon lives");
            assertTrue(product.run("-l").output().startsWith(disk.unit() + ": crashed, "));
            files.unmount();
            files.mount();
            product.run("--recover").succeeded();
            assertEquals(7, Files.readAllBytes(image)[(1 << 20) - 1]);
            assertEquals("", Command.output("getfattr", "-d", "-m", "-", image));
            assertTrue(product.disks().isEmpty());
        }
    }

    @ParameterizedTest
    @CsvSource({"EXT4", "XFS"})
    void refusesWhileAClientIsConnected(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            AttachedDisk disk = product.attach(image);
            try (NbdClient client = new NbdClient(disk.socket())) {
                assertTrue(client.sizeBytes() > 0);
                String refusal = product.refusal("-u", disk.unit());
                assertTrue(refusal.contains("Device busy"), refusal);
                assertTrue(product.disk(disk.unit()).isPresent());
                product.run("-u", "-F", disk.unit()).succeeded();
                assertTrue(product.disks().isEmpty());
            }
        }
    }

    /** A signal and {@code -u} at once: who asks while the image is being let go hears that it was. */
    @Test
    void whoAsksWhileItEndsHearsThatItHasEnded() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            AttachedDisk disk = product.attach(image, "--export", "nbd");
            Path control = product.state().resolve(disk.unit()).resolve("control.sock");
            // What is written down at the end takes two seconds.
            try (Command.Running strace = new Command("strace", "-f", "-qq", "-o", "/dev/null", "-p", disk.pid())
                    .with("-e", "trace=fsync", "-e", "inject=fsync:delay_enter=2000000")
                    .start()) {
                while (!Files.readString(Path.of("/proc", disk.pid() + "", "status"))
                        .contains("TracerPid:\t" + strace.pid())) {
                    assertTrue(strace.alive(), strace::errors);
                    Thread.sleep(20);
                }
                Command.output("kill", "-TERM", disk.pid());
                Thread.sleep(1000);
                assertTrue(Files.exists(control), "it has ended already");
                product.run("-u", disk.unit()).succeeded();
            }
            assertTrue(product.disks().isEmpty());
        }
    }
}
