package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;

/**
 * Disks on devices that can't give back what isn't needed, those that say so and those that only find out: what a disk offers
 * it does for as long as it is there, and no kernel logs an error.
 */
@Requires(
        loop = true,
        files = "/dev/fuse",
        tools = {"mkfs.ext4", "losetup", "qemu-io", "nbdinfo", "blkdiscard", "dmesg", "fallocate"})
class NoDiscardBelowTest {
    private static final long MEBIBYTE = 1 << 20;

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private Product product;

    @BeforeEach
    void begin() {
        product = opened(new Product());
    }

    @AfterEach
    void end() {
        List<Throwable> failures = new ArrayList<>();
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception | Error e) {
                failures.add(e);
            }
        }
        assertEquals(List.of(), failures);
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    private AttachedDisk attached(Path image, Object... options) {
        return opened(product.attach(image, options));
    }

    private Path mounted(String type, Object source) throws Exception {
        Path folder = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-nodiscard-");
        Command.output("mount", "-t", type, source, folder);
        opened(() -> {
            // A ring's end lets go of its files in its own time.
            for (int attempt = 0; new Command("umount", folder).run().exitCode() != 0; attempt++) {
                assertTrue(attempt < 100, folder + " stays in use");
                Thread.sleep(50);
            }
            Files.delete(folder);
        });
        return folder;
    }

    /** An ext4 on a loop device over {@code backing}, with an image of {@code sizeBytes} in one extent. */
    private Path image(Path backing, long sizeBytes) throws Exception {
        Path device = opened(LoopDevice.attach(backing, false)).path();
        Command.output("mkfs.ext4", "-q", "-F", "-b", 4096, "-E", "nodiscard", device);
        Path image = mounted("ext4", device).resolve("image");
        Command.output("fallocate", "-l", sizeBytes, image);
        DirectFile.fill(image, (int) sizeBytes, 5);
        return image;
    }

    /** A file of ramfs has no fallocate(2), so that a loop device over it can zero and discard nothing. */
    private Path withoutCommands(long imageBytes) throws Exception {
        Path backing = mounted("ramfs", "none").resolve("backing");
        Command.output("truncate", "-s", imageBytes + 64 * MEBIBYTE, backing);
        return image(backing, imageBytes);
    }

    private static long logged(String device) {
        return Command.output("dmesg")
                .lines()
                .filter(line -> line.contains("dev " + device + ","))
                .count();
    }

    private void assertDeviceHolds(AttachedDisk disk, boolean discards) throws Exception {
        Path node = product.state().resolve(disk.unit()).resolve(disk.unit());
        String name = node.toRealPath().getFileName().toString();
        long before = logged(name);
        String limit = Files.readString(Path.of("/sys/block", name, "queue/discard_max_bytes"));
        assertEquals(discards, !limit.equals("0\n"), limit);
        for (int attempt = 0; attempt < 3; attempt++) {
            Command.Result discard = new Command("blkdiscard", "-o", MEBIBYTE, "-l", MEBIBYTE, node).run();
            if (discards) {
                discard.succeeded();
            } else {
                assertTrue(discard.errors().contains("Operation not supported"), discard.toString());
            }
            Command.output("blkdiscard", "-z", "-o", 0, "-l", MEBIBYTE, node);
            Command.output("fallocate", "-z", "-o", 2 * MEBIBYTE, "-l", MEBIBYTE, node);
            Command.output("mkfs.ext4", "-q", "-F", node);
        }
        // Fewer, when the kernel's log has lost what is oldest.
        assertTrue(logged(name) <= before, "the kernel logged errors of " + name);
    }

    @Test
    void whoNeverCanDoesNotOfferIt() throws Exception {
        Path image = withoutCommands(16 * MEBIBYTE);
        AttachedDisk disk = attached(image, "--engine", "physical");
        assertTrue(Command.output("nbdinfo", disk.uri()).contains("can_trim: false"));
        disk.detach();
        for (String export : new String[] {"loop", "fuse+loop"}) {
            disk = attached(image, "--engine", "physical", "--export", export);
            assertDeviceHolds(disk, false);
            disk.detach();
        }
        disk = attached(image, "--engine", "file", "--export", "fuse+loop");
        assertTrue(Command.output("nbdinfo", disk.uri()).contains("can_trim: true"), "ext4 makes holes in files");
        assertDeviceHolds(disk, true);
        disk.detach();
    }

    @Test
    void aFileOfFuseSaysSoEachTime() throws Exception {
        AttachedDisk disk = attached(withoutCommands(16 * MEBIBYTE), "--export", "fuse");
        Path file = product.state().resolve(disk.unit()).resolve(disk.unit() + ".fuse/disk");
        for (int attempt = 0; attempt < 3; attempt++) {
            Command.Result hole = new Command("fallocate", "-p", "-l", MEBIBYTE, file).run();
            assertTrue(hole.errors().contains("unsupported"), hole.toString());
        }
        disk.detach();
    }

    /** A loop device over a file of FUSE believes that it can discard until the first time. */
    @ParameterizedTest
    @ValueSource(strings = {"nbd", "fuse+loop"})
    void whoFindsOutLaterAnswersAllTheSame(String export) throws Exception {
        AttachedDisk below = attached(withoutCommands(128 * MEBIBYTE), "--export", "fuse");
        Path backing = product.state().resolve(below.unit()).resolve(below.unit() + ".fuse/disk");
        Path image = image(backing, 16 * MEBIBYTE);
        AttachedDisk disk = attached(image, "--engine", "physical", "--export", export);
        String[] discards = {"discard 0 64k", "discard 64k 64k", "discard 1M 4M"};
        for (int attempt = 0; attempt < 3; attempt++) {
            for (String discard : discards) {
                String said = disk.qemuIo(discard).output();
                assertTrue(said.contains("discard") && !said.contains("failed"), said);
            }
            assertTrue(Command.output("nbdinfo", disk.uri()).contains("can_trim: true"), "attempt " + attempt);
        }
        if (export.equals("fuse+loop")) {
            assertDeviceHolds(disk, true);
        }
        assertFalse(disk.qemuIo("write -z 4M 1M").output().contains("failed"));
        disk.detach();
        byte[] zeroed = new byte[(int) MEBIBYTE];
        byte[] content = DirectFile.read(image);
        assertArrayEquals(zeroed, Arrays.copyOfRange(content, 4 << 20, 5 << 20));
    }
}
