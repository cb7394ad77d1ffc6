package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
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
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sizeMebibytes(128)
                        .withoutReserve()
                        .create();
                Product product = new Product()) {
            for (String folder : List.of("upper", "lower", "work", "merged")) {
                Files.createDirectory(files.path(folder));
            }
            Path image = files.path("upper/image");
            AttackedDisk disk = AttackedDisk.attach(
                            product, List.of(new AttackedDisk.Plan(image, AttackedDisk.IMAGE_BYTES, export, List.of())))
                    .get(0);
            String folders = "lowerdir=" + files.path("lower") + ",upperdir=" + files.path("upper") + ",workdir="
                    + files.path("work");
            Command.output("mount", "-t", "overlay", "overlay", "-o", folders, files.path("merged"));
            try (disk) {
                disk.write(1000);
                disk.awaitWrites();
                Thread.sleep(1000);
                assertTrue(disk.writing(), disk::listing);
                long pid = switch (stopped) {
                    case "lock" -> LockProcess.of(disk.disk.pid()).orElseThrow().pid();
                    case "daemon" -> disk.disk.pid();
                    default -> 0;
                };
                Command.output("perl", "-e", CUT, image, files.path("merged/image"), pid);
                Victim victim = Victim.takeAll(files.path("victim"), 1, disk.extents);
                if (stopped.equals("daemon")) {
                    assertTrue(disk.endsWithin(10), "it may go on");
                }
                Thread.sleep(2000);
                assertEquals(Optional.empty(), victim.damage(), disk::listing);
                assertTrue(victim.inheritedBytes(disk.extents) > 0, "it has none of the image's blocks");
                assertFalse(disk.serves(), disk::listing);
            } finally {
                Command.output("umount", files.path("merged"));
                AttackedDisk.detach(List.of(disk));
            }
        }
    }
}
