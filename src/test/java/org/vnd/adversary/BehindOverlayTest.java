package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.WriteThrottle;
import org.vnd.system.Product;

/**
 * An overlay cuts the file behind it without an open that anybody is asked about, and without a look at leases. That it has
 * happened is heard of at once, long before the file system gives the blocks to others.
 */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "perl", "fio", "qemu-io", "mount"})
@ExtendWith(NoSecondTry.class)
class BehindOverlayTest {
    /** Clears the flag of the image, linux/fs.h, and has it cut behind the overlay, with a process stopped before that. */
    private static final String CUT = """
            open(my $image, "<", $ARGV[0]) or die $!;
            kill("STOP", $ARGV[2]) if $ARGV[2];
            my $flags = pack("l", 0x80000);
            ioctl($image, 0x40086602, $flags) or die $!;
            truncate($ARGV[1], 0) or die $!;
            """;

    /** Makes the file shorter and longer again behind the overlay, so often. */
    private static final String AGAIN_AND_AGAIN = """
            for my $time (1 .. $ARGV[1]) {
                truncate($ARGV[0], $time % 2 ? 4096 : 0) or die $!;
            }
            """;

    private ScratchFileSystem files;
    private Product product;
    private AttackedDisk disk;

    @BeforeEach
    void make() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .sizeMebibytes(128)
                .withoutReserve()
                .create();
        product = new Product();
        for (String folder : List.of("upper", "lower", "work", "merged")) {
            Files.createDirectory(files.path(folder));
        }
    }

    private void attach(String export) throws Exception {
        Path image = files.path("upper/image");
        disk = AttackedDisk.attach(
                        product, List.of(new AttackedDisk.Plan(image, AttackedDisk.IMAGE_BYTES, export, List.of())))
                .get(0);
        String folders = "lowerdir=" + files.path("lower") + ",upperdir=" + files.path("upper") + ",workdir="
                + files.path("work");
        Command.output("mount", "-t", "overlay", "overlay", "-o", folders, files.path("merged"));
    }

    private void load() throws Exception {
        disk.write(1000);
        disk.awaitWrites();
        Thread.sleep(1000);
        assertTrue(disk.writing(), disk::listing);
    }

    /** With {@code stopped}, if it isn't 0, stopped just before. */
    private void cut(long stopped) {
        Command.output("perl", "-e", CUT, files.path("upper/image"), files.path("merged/image"), stopped);
    }

    @AfterEach
    void end() throws Exception {
        try (ScratchFileSystem last = files;
                Product first = product;
                AttackedDisk attacked = disk) {
            Command.output("umount", files.path("merged"));
            AttackedDisk.detach(List.of(attacked));
        }
    }

    /** One that was stopped just then is killed: it looks at nothing before it sends what it had prepared. */
    @ParameterizedTest
    @CsvSource({
        "nbd, nobody",
        "loop, nobody",
        "fuse+loop, nobody",
        "nbd, daemon",
        "loop, daemon",
        "nbd, lock",
        "loop, lock",
        "fuse+loop, lock"
    })
    void nothingIsWrittenAfterACut(String export, String stopped) throws Exception {
        attach(export);
        load();
        cut(
                switch (stopped) {
                    case "lock" -> LockProcess.of(disk.disk.pid()).orElseThrow().pid();
                    case "daemon" -> disk.disk.pid();
                    default -> 0;
                });
        Victim victim = Victim.takeAll(files.path("victim"), 1, disk.extents);
        if (stopped.equals("daemon")) {
            assertTrue(disk.endsWithin(10), "it may go on");
        }
        Thread.sleep(2000);
        assertEquals(Optional.empty(), victim.damage(), disk::listing);
        assertTrue(victim.inheritedBytes(disk.extents) > 0, "it has none of the image's blocks");
        assertFalse(disk.serves(), disk::listing);
    }

    /** What is on its way takes five seconds: to kill a daemon that has nothing more to come would call nothing back. */
    @Test
    void whoSaysThatNothingMoreStartsIsntKilled() throws Exception {
        assumeTrue(WriteThrottle.possible(), "no control group of version 1 that throttles");
        attach("nbd");
        load();
        try (WriteThrottle throttle = new WriteThrottle(files, 200_000)) {
            for (long writer : disk.writers()) {
                throttle.add(writer);
            }
            Thread.sleep(1000);
            cut(0);
            assertFalse(disk.endsWithin(4), "it was killed");
            throttle.lift();
            assertFalse(disk.serves(), disk::listing);
            assertTrue(disk.listing().contains(": failed, "), disk::listing);
        }
    }

    /** Each time the daemon hears of it; and the program that makes the device fail doesn't answer. */
    @Test
    void whoChangesItAllTheTimeKeepsNoThreadsBusy() throws Exception {
        attach("loop");
        load();
        long program = disk.loopProgram().pid();
        AttackedDisk.signal("STOP", program);
        try {
            cut(0);
            Command.output("perl", "-e", AGAIN_AND_AGAIN, files.path("merged/image"), 5000);
            String status = Files.readString(Path.of("/proc", Long.toString(disk.disk.pid()), "status"));
            int threads = Integer.parseInt(status.replaceAll("(?s).*\nThreads:\\s*(\\d+).*", "$1"));
            assertTrue(threads < 60, status);
        } finally {
            AttackedDisk.signal("CONT", program);
        }
    }
}
