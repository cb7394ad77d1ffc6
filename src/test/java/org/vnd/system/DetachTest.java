package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** When {@code -u} returns, the disk is gone, with everything it held. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "qemu-io", "getfattr", "strace", "perl"})
class DetachTest {
    private static final int AT_ONCE = 6;
    private static final int ROUNDS = 3;

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

    /** Its blocks go with the disk, and nothing that was written can be had any more. */
    @ParameterizedTest
    @CsvSource({"EXT4", "XFS_NO_REFLINK"})
    void saysThatTheImageWasRemoved(FileSystemKind kind) throws Exception {
        String unlink = """
                open(my $image, "<", $ARGV[0]) or die $!;
                my $flags = "\\0" x 8;
                ioctl($image, 0x80086601, $flags) or die $!;
                $flags = pack("q", unpack("q", $flags) & ~0x10);
                ioctl($image, 0x40086602, $flags) or die $!;
                unlink($ARGV[0]) or die $!;
                """;
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            AttachedDisk disk = product.attach(image);
            Command.output("perl", "-e", unlink, image);
            String told = "its file was removed, and what it holds ends with the disk";
            for (int attempt = 0;
                    !product.run("-l", "-v", disk.unit()).output().contains("noticed: " + told);
                    attempt++) {
                assertTrue(
                        attempt < 100,
                        () -> product.run("-l", "-v", disk.unit()).toString());
            }
            disk.qemuIo("write -P 7 0 1M").succeeded();
            Command.Result ended = product.run("-u", "-F", disk.unit()).exited(1);
            assertTrue(ended.errors().contains(": detached, but "), ended::toString);
            assertTrue(ended.errors().contains(told), ended::toString);
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

    /**
     * Who asks while another's {@code -u} is at it succeeds with it, also if it takes long. Who comes when nothing is left is
     * refused, as for any free unit.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void severalAtOnceDetachItTogether(boolean slow) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            for (int round = 0; round < ROUNDS; round++) {
                AttachedDisk disk = product.attach(image);
                if (slow) {
                    try (Command.Running strace = slowEnd(disk)) {
                        detachAtOnce(product, disk);
                    }
                } else {
                    detachAtOnce(product, disk);
                }
                assertEquals("", Command.output("getfattr", "-d", "-m", "-", image));
                assertTrue(product.disks().isEmpty());
            }
        }
    }

    private static void detachAtOnce(Product product, AttachedDisk disk) {
        List<Command.Running> detaching = new ArrayList<>();
        for (int each = 0; each < AT_ONCE; each++) {
            detaching.add(product.command("-u", disk.unit()).start());
        }
        int succeeded = 0;
        String late = "vndconfig: " + disk.unit() + ": VNDIOCCLR: Device not configured\n";
        for (Command.Running each : detaching) {
            try (each) {
                Command.Result result = each.await(60);
                if (!result.errors().equals(late)) {
                    // By strace, which makes it slow: on a busy machine so long that it is told.
                    String stalled = "vndconfig: vnd\\d+: its daemon is stopped by a debugger [^\n]*\n";
                    assertEquals("", result.succeeded().errors().replaceAll(stalled, ""));
                    succeeded++;
                }
            }
        }
        assertTrue(succeeded > 0, "nobody has detached it");
    }

    /** What its daemon writes down at the end takes two seconds, until this is closed. */
    private static Command.Running slowEnd(AttachedDisk disk) throws Exception {
        Command.Running strace = new Command("strace", "-f", "-qq", "-o", "/dev/null", "-p", disk.pid())
                .with("-e", "trace=fsync", "-e", "inject=fsync:delay_enter=2000000")
                .start();
        while (!Files.readString(Path.of("/proc", disk.pid() + "", "status")).contains("TracerPid:\t" + strace.pid())) {
            assertTrue(strace.alive(), strace::errors);
            Thread.sleep(20);
        }
        return strace;
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
            try (Command.Running strace = slowEnd(disk)) {
                Command.output("kill", "-TERM", disk.pid());
                Thread.sleep(1000);
                assertTrue(Files.exists(control), "it has ended already");
                product.run("-u", disk.unit()).succeeded();
            }
            assertTrue(product.disks().isEmpty());
        }
    }
}
