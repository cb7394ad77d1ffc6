package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Beside;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.lab.Unmapper;
import org.vnd.lab.WriteThrottle;
import org.vnd.system.Product;

/**
 * Root takes an image's blocks away, by every way there is, from disks of every export, on every file system that the physical
 * engine knows, while the disk or its surroundings are in a condition that makes it hard to stop in time. Whoever gets the
 * blocks next, the victim, keeps what he has written there; a disk whose image is still where it was goes on.
 *
 * <p>Two file systems are drawn, and a condition of each, which are more than 70 cells; {@code -Dvnd.victim.systems=3
 * -Dvnd.victim.conditions=8} is all of them.
 */
@Beside
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "fio", "perl", "strace", "fallocate", "qemu-io", "chattr"})
@ExtendWith({Seeded.class, NoSecondTry.class})
class VictimTest {
    private static final int FILE_SYSTEMS = Integer.getInteger("vnd.victim.systems", 2);
    private static final int CONDITIONS = Integer.getInteger("vnd.victim.conditions", 1);
    /** What is promised. */
    private static final int GOES_ON_SECONDS = 5;
    /** On a machine where some dozen disks and clients are at work. */
    private static final int BUSY_GOES_ON_SECONDS = 20;
    /** Blocks of 64 KiB that all clients together write in a second. */
    private static final int LOAD_RATE = 2000;

    private static final List<String> EXPORTS = List.of("nbd", "loop", "fuse+loop");
    private static final int THROTTLED_BYTES_PER_SECOND = 3_000_000;

    /** What makes it hard. */
    enum Condition {
        QUIET,
        LOAD,
        /** Somebody reads the image, and has a page of it mapped. */
        MAPPED_READER,
        /** What puts the flag back takes three seconds. */
        SLOW_MEND,
        /** The disks get 3 MB/s of the device, and want many times as much. */
        THROTTLED,
        /** The daemon is stopped until the victim has the blocks. */
        STOPPED,
        /** The daemon is dead, and the kernel serves on. */
        KILLED,
        /** Another attack begins up to three seconds after the first. */
        TWICE
    }

    static Stream<Arguments> conditions() {
        SeededRandom random = SeededRandom.fromProperty();
        List<Arguments> drawn = new ArrayList<>();
        List<FileSystemKind> kinds =
                new ArrayList<>(List.of(FileSystemKind.EXT4, FileSystemKind.XFS, FileSystemKind.XFS_NO_REFLINK));
        Collections.rotate(kinds, random.below(kinds.size()));
        for (FileSystemKind kind : kinds.subList(0, FILE_SYSTEMS)) {
            List<Condition> left = new ArrayList<>(List.of(Condition.values()));
            if (!WriteThrottle.possible()) {
                System.err.println("no condition THROTTLED: there are no control groups of version 1 for it");
                left.remove(Condition.THROTTLED);
            }
            if (kind == FileSystemKind.XFS) {
                System.err.println("XFS, MAPPED_READER: left out: no reader is let in, so it is LOAD");
                left.remove(Condition.MAPPED_READER);
            }
            for (int number = 0; number < CONDITIONS && !left.isEmpty(); number++) {
                drawn.add(Arguments.of(kind, left.remove(random.below(left.size()))));
            }
        }
        return drawn.stream();
    }

    private final List<AttackedDisk> cells = new ArrayList<>();
    private final List<AutoCloseable> surroundings = new ArrayList<>();
    private @Nullable WriteThrottle throttle;
    /** After how many milliseconds, as soon as the attack was over. */
    private final Map<AttackedDisk, OptionalLong> wentOn = new ConcurrentHashMap<>();

    @ParameterizedTest
    @MethodSource("conditions")
    void keepsWhatItHasWritten(FileSystemKind kind, Condition condition, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = scratch(kind);
                Product product = new Product()) {
            try {
                attach(product, files, condition, random);
                go(files, kind, condition, random);
            } finally {
                AtOnce.forEach(cells, AttackedDisk::close);
                for (AutoCloseable each : surroundings) {
                    each.close();
                }
                AttackedDisk.detach(cells);
            }
        }
    }

    /** With room for three dozen images and for what some of them are exchanged with. */
    static ScratchFileSystem scratch(FileSystemKind kind) {
        ScratchFileSystem.Builder builder =
                ScratchFileSystem.of(kind).sizeMebibytes(640).withoutReserve();
        return (kind == FileSystemKind.XFS ? builder.exchangeRange() : builder).create();
    }

    private void attach(Product product, ScratchFileSystem files, Condition condition, SeededRandom random)
            throws Exception {
        List<AttackedDisk.Plan> plans = new ArrayList<>();
        for (Attack attack : Attack.values()) {
            for (String export : EXPORTS) {
                Optional<String> obstacle = attack.obstacle(files.kind());
                if (obstacle.isPresent()) {
                    System.err.println(files.kind() + ", " + condition + ", " + attack + ", " + export + ": left out: "
                            + obstacle.get());
                } else {
                    List<Attack> attacks = new ArrayList<>(List.of(attack));
                    if (condition == Condition.TWICE) {
                        attacks.add(random.oneOf(Attack.values()));
                        while (attacks.get(1).needsOther()
                                || attacks.get(1).obstacle(files.kind()).isPresent()) {
                            attacks.set(1, random.oneOf(Attack.values()));
                        }
                    }
                    plans.add(new AttackedDisk.Plan(
                            files.path("image" + plans.size()), AttackedDisk.IMAGE_BYTES, export, attacks));
                }
            }
        }
        cells.addAll(AttackedDisk.attach(product, plans));
    }

    private void go(ScratchFileSystem files, FileSystemKind kind, Condition condition, SeededRandom random)
            throws Exception {
        if (condition != Condition.QUIET) {
            for (AttackedDisk cell : cells) {
                cell.write(LOAD_RATE / cells.size());
            }
            for (AttackedDisk cell : cells) {
                cell.awaitWrites();
            }
            Thread.sleep(1000);
        }
        if (condition == Condition.STOPPED && random.oneIn(2)) {
            cells.forEach(cell -> cell.signal("STOP"));
        }
        begin(files, condition);
        for (AttackedDisk cell : cells) {
            cell.attackers.get(0).start();
        }
        if (condition == Condition.STOPPED) {
            Thread.sleep(random.below(500));
            cells.forEach(cell -> cell.signal("STOP"));
        }
        if (condition == Condition.TWICE) {
            Thread.sleep(random.below(3000));
            for (AttackedDisk cell : cells) {
                cell.attackers.get(1).start();
            }
        }
        AtOnce.forEach(cells, cell -> {
            cell.awaitAttacks();
            if (condition == Condition.QUIET && cell.unchanged()) {
                wentOn.put(cell, cell.goesOn(GOES_ON_SECONDS));
            }
        });
        Map<Path, Long> booty = new HashMap<>();
        for (AttackedDisk cell : cells) {
            for (Path file : cell.booty()) {
                booty.put(file, DirectFile.checksum(file));
            }
        }
        Victim victim = Victim.takeAll(files.path("victim"), 1, AttackedDisk.extents(cells));
        if (throttle != null) {
            // What is still on its way comes too late for certain.
            throttle.lift();
        }
        cells.forEach(cell -> cell.signal("CONT"));
        Thread.sleep(3000);

        List<String> wrong = Collections.synchronizedList(new ArrayList<>());
        AtOnce.forEach(cells, cell -> check(cell, victim, kind + ", " + condition, condition, wrong));
        for (Path file : booty.keySet()) {
            if (booty.get(file) != DirectFile.checksum(file)) {
                NoSecondTry.seen(file.toString());
                wrong.add("what the image was exchanged or shared with was changed: " + file);
            }
        }
        victim.damage().ifPresent(damage -> wrong.add("the victim was changed: " + damage));
        assertTrue(wrong.isEmpty(), String.join("\n", wrong));
    }

    private void check(AttackedDisk cell, Victim victim, String where, Condition condition, List<String> wrong)
            throws InterruptedException {
        List<Attack> worked = cell.awaitAttacks();
        boolean unchanged = cell.unchanged();
        OptionalLong later =
                unchanged && condition != Condition.KILLED ? cell.goesOn(BUSY_GOES_ON_SECONDS) : OptionalLong.empty();
        OptionalLong millis = later.isPresent() ? wentOn.getOrDefault(cell, later) : later;
        boolean serves = millis.isPresent() || !unchanged && condition != Condition.KILLED && cell.serves();
        String what = where + ", " + cell.attacks() + ", " + cell.export + ": "
                + (worked.isEmpty() ? "refused" : "worked" + (cell.attackers.size() > 1 ? " " + worked : ""))
                + ", the image " + cell.image.getFileName() + " is "
                + (unchanged ? "unchanged" : "changed")
                + ", the disk "
                + (serves
                        ? "goes on" + (unchanged ? " in " + millis.getAsLong() / 1000.0 + " s" : "")
                        : "doesn't go on: " + (condition == Condition.KILLED ? "killed" : cell.listing()));
        System.err.println(what);
        boolean mendable = unchanged && condition != Condition.STOPPED && condition != Condition.KILLED;
        // Where others wait for the lease, what the kernel serves fails for certain, and all of the disk with it.
        boolean mayFail = cell.export.equals("loop")
                && cell.attackers.stream().anyMatch(attacker -> attacker.attack.breaksLease());
        if (serves && !unchanged || mendable && !mayFail && !serves) {
            wrong.add(what);
        }
        // Else nothing would be known of who writes there.
        if (cell.freed() && victim.inheritedBytes(cell.extents) == 0) {
            wrong.add("the victim has none of its blocks: " + what);
        }
    }

    private void begin(ScratchFileSystem files, Condition condition) throws Exception {
        switch (condition) {
            case MAPPED_READER -> {
                for (AttackedDisk cell : cells) {
                    map(cell.image);
                }
            }
            case SLOW_MEND -> {
                List<SlowMend> slow = new ArrayList<>();
                for (AttackedDisk cell : cells) {
                    slow.add(new SlowMend(cell.disk.pid()));
                }
                surroundings.addAll(slow);
                for (SlowMend each : slow) {
                    each.await();
                }
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
        throttle = new WriteThrottle(files, THROTTLED_BYTES_PER_SECOND);
        surroundings.add(throttle);
        for (AttackedDisk cell : cells) {
            for (long pid : cell.writers()) {
                throttle.add(pid);
            }
        }
    }
}
