package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Ten users attach and detach as fast as they can, and some of what they have started is killed at any moment. */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "losetup", "lsattr", "dd", "fallocate"})
@ExtendWith(Seeded.class)
class CyclesTest {
    private static final int USERS = 10;
    private static final int CYCLES = Integer.getInteger("vnd.cycles", 2);
    private static final int MIB = 1 << 20;

    /** Who has each unit, as far as its user knows. */
    private final Map<String, Path> owners = new ConcurrentHashMap<>();

    @Test
    void leaveNothingAndTouchNobody(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sizeMebibytes(256)
                        .create();
                Product product = new Product()) {
            Path others = files.path("../others");
            DirectFile.fill(others, 4 * MIB, random.nextLong());
            long othersContent = DirectFile.checksum(others);
            try (LoopDevice bystander = LoopDevice.attach(others, true)) {
                ExecutorService users = Executors.newFixedThreadPool(USERS);
                List<Future<?>> ends = new ArrayList<>();
                for (int user = 0; user < USERS; user++) {
                    Path image = image(files, user);
                    long seed = random.nextLong();
                    ends.add(users.submit(() -> {
                        use(product, image, new SeededRandom(seed));
                        return null;
                    }));
                }
                users.shutdown();
                for (Future<?> end : ends) {
                    end.get();
                }
                assertEquals(othersContent, DirectFile.checksum(bystander.path()));
            }
            Files.delete(others);
            assertNothingLeft(product, files);
            files.check();
        }
    }

    /** In one piece, which is a loop device by itself, or in two, which isn't. */
    private static Path image(ScratchFileSystem files, int user) throws Exception {
        Path image = files.path("image" + user);
        Command.output("fallocate", "--length", 8 * MIB, image);
        if (user % 2 != 0) {
            Path between = files.path("between" + user);
            Command.output("fallocate", "--length", MIB, between);
            Command.output("fallocate", "--offset", 8 * MIB, "--length", 4 * MIB, image);
        }
        Command.output(
                "dd",
                "if=/dev/zero",
                "of=" + image,
                "bs=4M",
                "count=" + (user % 2 == 0 ? 2 : 3),
                "oflag=direct",
                "conv=notrunc");
        Command.output("sync", image);
        return image;
    }

    private void use(Product product, Path image, SeededRandom random) throws Exception {
        int written = 0;
        for (int cycle = 1; cycle <= CYCLES; cycle++) {
            if (random.oneIn(5)) {
                killWhileItAttaches(product, image, random);
                continue;
            }
            String unit = product.command("-c", "--export", "auto", image)
                    .limitSeconds(300)
                    .run()
                    .succeeded()
                    .output()
                    .strip();
            assertNull(owners.putIfAbsent(unit, image), unit + " was given twice");
            Path node = product.state().resolve(unit).resolve(unit);
            assertEquals("" + written, mark(node), image + " in cycle " + cycle);
            written = cycle;
            shell(
                    "head -c 4096 /dev/zero | tr '\\000' '\\" + Integer.toOctalString(written) + "'"
                            + " | dd of=$0 bs=4096 seek=256 oflag=direct iflag=fullblock conv=notrunc,fsync status=none",
                    node);
            AttachedDisk disk = product.disk(unit).orElseThrow();
            assertEquals(image, disk.file());
            owners.remove(unit);
            if (random.oneIn(3)) {
                // Without its keeper a disk lives on.
                boolean keeper = random.oneIn(2);
                (keeper ? disk.keeper() : disk.daemon()).destroyForcibly();
                recover(product, image, keeper);
            } else {
                product.command("-u", unit).limitSeconds(300).run().succeeded();
            }
        }
    }

    private static String mark(Path node) {
        return shell("dd if=$0 bs=4096 skip=256 count=1 iflag=direct status=none | od -An -tu1 -N1", node);
    }

    private static String shell(String command, Path node) {
        return Command.output("sh", "-c", command, node);
    }

    private static void killWhileItAttaches(Product product, Path image, SeededRandom random) throws Exception {
        try (Command.Running attaching =
                product.command("-c", "--export", "auto", image).start()) {
            Thread.sleep(random.below(3000));
            attaching.kill();
        }
        recover(product, image, true);
    }

    /** Until nothing is left of whoever may still be at work on {@code image}. */
    private static void recover(Product product, Path image, boolean mayBeWhole) throws Exception {
        for (int attempt = 0; ; attempt++) {
            Optional<AttachedDisk> disk = product.disks().stream()
                    .filter(each -> each.file().equals(image))
                    .findFirst();
            // A unit whose disk is dying may be somebody else's a moment later.
            if (mayBeWhole && disk.isPresent() && !disk.get().uri().isEmpty()) {
                product.run("-u", disk.get().unit());
            }
            Command.Result recovered = product.run("--recover", image);
            if (recovered.exitCode() == 0 && !ListedFlags.isImmutable(image)) {
                return;
            }
            assertTrue(attempt < 100, () -> "still not recovered: " + recovered);
            Thread.sleep(300);
        }
    }

    private static void assertNothingLeft(Product product, ScratchFileSystem files) throws Exception {
        assertEquals(List.of(), product.disks());
        assertEquals(List.of(), product.processes());
        assertEquals("", Command.output("losetup", "--associated", files.device()));
        assertFalse(Files.readString(Path.of("/proc/mounts"))
                .contains(product.state().toString()));
        try (Stream<Path> left = Files.list(product.state())) {
            assertEquals(List.of(), left.toList());
        }
        // What keeps a loop device has the image's name.
        assertEquals(
                "",
                new Command("pgrep", "-f", "vnd-loop .* " + files.root() + "/")
                        .run()
                        .output());
        try (Stream<Path> images = Files.list(files.root())) {
            for (Path image : images.filter(Files::isRegularFile).toList()) {
                assertFalse(ListedFlags.isImmutable(image), image.toString());
            }
        }
    }
}
