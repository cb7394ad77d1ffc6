package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.adversary.AttackedDisk.Attack;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.lab.Unmapper;
import org.vnd.system.Product;

/**
 * Root takes an image's blocks away, by every way there is, from disks of every export, on every file system that the physical
 * engine knows, while the disk or its surroundings are in a condition that makes it hard to stop in time. Whoever gets the
 * blocks next, the victim, keeps what he has written there; a disk whose image is still where it was goes on.
 *
 * <p>A condition of each file system is drawn; {@code -Dvnd.victim.conditions=7} is all of them.
 */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "fio", "perl", "strace", "fallocate", "qemu-io", "chattr"})
@ExtendWith(Seeded.class)
class VictimTest {
    private static final int CONDITIONS = Integer.getInteger("vnd.victim.conditions", 1);
    /** On a machine where a dozen disks and clients are at work. */
    private static final int GOES_ON_SECONDS = 20;

    private static final List<String> EXPORTS = List.of("nbd", "loop", "fuse+loop");
    private static final Path THROTTLE = Path.of("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device");

    /** What makes it hard. */
    enum Condition {
        QUIET,
        LOAD,
        /** Somebody reads the image, and has a page of it mapped. */
        MAPPED_READER,
        /** What puts the flag back takes three seconds. */
        SLOW_MEND,
        /** The device does 3 MB/s, of which the disks want many times as much. */
        THROTTLED,
        /** The daemon is stopped until the victim has the blocks. */
        STOPPED,
        /** The daemon is dead, and the kernel serves on. */
        KILLED
    }

    static Stream<Arguments> conditions() {
        SeededRandom random = SeededRandom.fromProperty();
        List<Arguments> drawn = new ArrayList<>();
        for (FileSystemKind kind : List.of(FileSystemKind.EXT4, FileSystemKind.XFS, FileSystemKind.XFS_NO_REFLINK)) {
            List<Condition> left = new ArrayList<>(List.of(Condition.values()));
            if (!Files.exists(THROTTLE)) {
                System.err.println("no condition THROTTLED: there is no " + THROTTLE);
                left.remove(Condition.THROTTLED);
            }
            for (int number = 0; number < CONDITIONS && !left.isEmpty(); number++) {
                drawn.add(Arguments.of(kind, left.remove(random.below(left.size()))));
            }
        }
        return drawn.stream();
    }

    private final List<AttackedDisk> cells = new ArrayList<>();
    private final List<AutoCloseable> surroundings = new ArrayList<>();

    @ParameterizedTest
    @MethodSource("conditions")
    void keepsWhatItHasWritten(FileSystemKind kind, Condition condition, SeededRandom random) throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(kind).sizeMebibytes(512).create();
                Product product = new Product()) {
            try {
                for (Attack attack : Attack.values()) {
                    for (String export : EXPORTS) {
                        if (attack != Attack.CLONE || kind == FileSystemKind.XFS) {
                            cells.add(new AttackedDisk(product, files, attack, export));
                        }
                    }
                }
                go(files, kind, condition, random);
            } finally {
                for (AttackedDisk cell : cells) {
                    cell.close();
                }
                for (AutoCloseable each : surroundings) {
                    each.close();
                }
            }
        }
    }

    private void go(ScratchFileSystem files, FileSystemKind kind, Condition condition, SeededRandom random)
            throws Exception {
        if (condition != Condition.QUIET) {
            cells.forEach(AttackedDisk::write);
            Thread.sleep(2000);
        }
        if (condition == Condition.STOPPED && random.oneIn(2)) {
            cells.forEach(cell -> signal("STOP", cell));
        }
        begin(files, kind, condition);
        cells.forEach(AttackedDisk::attack);
        if (condition == Condition.STOPPED) {
            Thread.sleep(random.below(500));
            cells.forEach(cell -> signal("STOP", cell));
        }
        Map<AttackedDisk, Boolean> worked = new HashMap<>();
        for (AttackedDisk cell : cells) {
            worked.put(cell, cell.awaitAttack());
        }
        // What was on its way has arrived, or is late for certain.
        if (condition == Condition.THROTTLED) {
            unthrottle(files);
        }
        Map<Path, Long> clones = new HashMap<>();
        for (AttackedDisk cell : cells) {
            if (Files.exists(cell.clone)) {
                clones.put(cell.clone, DirectFile.checksum(cell.clone));
            }
        }
        Path victim = files.path("victim");
        DirectFile.fill(victim, files.root().toFile().getUsableSpace() - (4 << 20) & -(1L << 20), 99);
        long content = DirectFile.checksum(victim);
        cells.forEach(cell -> signal("CONT", cell));
        Thread.sleep(3000);

        List<String> wrong = new ArrayList<>();
        for (AttackedDisk cell : cells) {
            boolean unchanged = cell.unchanged();
            boolean serves = condition != Condition.KILLED && cell.goesOn(GOES_ON_SECONDS);
            String what = kind + ", " + condition + ", " + cell.attack + ", " + cell.export + ": "
                    + (worked.get(cell) ? "worked" : "refused") + ", the image is "
                    + (unchanged ? "unchanged" : "changed")
                    + ", the disk " + (serves ? "goes on" : "doesn't go on: " + cell.listing());
            System.err.println(what);
            boolean mendable = unchanged && condition != Condition.STOPPED && condition != Condition.KILLED;
            // Where others wait for the lease, what the kernel serves fails for certain, and all of the disk with it.
            boolean mayFail = cell.attack == Attack.TRUNCATE && cell.export.equals("loop");
            if (serves && !unchanged || mendable && !mayFail && !serves) {
                wrong.add(what);
            }
            if (clones.containsKey(cell.clone) && clones.get(cell.clone) != DirectFile.checksum(cell.clone)) {
                wrong.add("the clone was changed: " + what);
            }
        }
        assertEquals(content, DirectFile.checksum(victim), "the victim was changed");
        assertTrue(wrong.isEmpty(), String.join("\n", wrong));
    }

    private void begin(ScratchFileSystem files, FileSystemKind kind, Condition condition) throws Exception {
        switch (condition) {
            case MAPPED_READER -> {
                if (kind != FileSystemKind.XFS) {
                    for (AttackedDisk cell : cells) {
                        map(cell.image);
                    }
                }
            }
            case SLOW_MEND -> {
                for (AttackedDisk cell : cells) {
                    Command.Running strace = new Command(
                                    "strace", "-f", "-qq", "-o", "/dev/null", "-p", cell.disk.pid())
                            .with("-e", "trace=ioctl", "-e", "inject=ioctl:delay_enter=3000000")
                            .start();
                    surroundings.add(strace);
                }
                Thread.sleep(2000);
            }
            case THROTTLED -> throttle(files);
            case KILLED -> {
                for (AttackedDisk cell : cells) {
                    cell.disk.killDaemon();
                }
            }
            default -> {}
        }
    }

    private void map(Path image) throws IOException {
        FileChannel channel = FileChannel.open(image, StandardOpenOption.READ);
        surroundings.add(channel);
        MappedByteBuffer mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
        surroundings.add(() -> Unmapper.unmap(mapping));
        // So that the page is there.
        mapping.load();
    }

    private void throttle(ScratchFileSystem files) throws IOException {
        String device = number(files);
        Files.writeString(THROTTLE, device + " 3000000");
        surroundings.add(() -> Files.writeString(THROTTLE, device + " 0"));
    }

    private static void unthrottle(ScratchFileSystem files) throws IOException {
        Files.writeString(THROTTLE, number(files) + " 0");
    }

    private static String number(ScratchFileSystem files) throws IOException {
        Path device = Path.of("/sys/block", files.device().getFileName().toString(), "dev");
        return Files.readString(device).strip();
    }

    private static void signal(String name, AttackedDisk cell) {
        new Command("kill", "-" + name, cell.disk.pid()).run();
    }
}
