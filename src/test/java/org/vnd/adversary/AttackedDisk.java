package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.system.AttachedDisk;
import org.vnd.system.Product;

/**
 * One disk, those who take its image's blocks away by one way of several, and a client that goes on writing meanwhile. Closing
 * it ends all of that.
 */
final class AttackedDisk implements AutoCloseable {
    static final long IMAGE_BYTES = 8 << 20;

    /** One after the other. */
    final List<Attacker> attackers = new ArrayList<>();

    final String export;
    final Path image;
    final AttachedDisk disk;
    private final String layout;
    private Command.@Nullable Running writer;

    /** Attaches a new image of {@code files}, with the number {@code number} there. */
    AttackedDisk(Product product, ScratchFileSystem files, int number, String export, List<Attack> attacks)
            throws IOException {
        this.export = export;
        image = files.path("image" + number);
        // In one piece, as the loop driver wants it.
        Command.output("fallocate", "--length", IMAGE_BYTES, image);
        DirectFile.fill(image, IMAGE_BYTES, number);
        List<Attacker> early = new ArrayList<>();
        for (Attack attack : attacks) {
            if (!attack.comesLater()) {
                early.add(new Attacker(attack, image));
            }
        }
        disk = product.attach(image, "--export", export);
        if (!disk.engine().equals("physical")) {
            throw new AssertionError(disk.engineReason());
        }
        for (Attack attack : attacks) {
            attackers.add(attack.comesLater() ? new Attacker(attack, image) : early.remove(0));
        }
        // With the place that the lock's record takes.
        layout = layout();
    }

    /** Without opening it, which may be refused. */
    private String layout() {
        return Command.output("stat", "--format", "%s bytes in %b", image);
    }

    private Path node() {
        return disk.product().state().resolve(disk.unit()).resolve(disk.unit());
    }

    /** Begins to write all of the disk, {@code rate} blocks of 64 KiB a second, over and over, until it says no. */
    void write(int rate) {
        stopWriting();
        writer = new Command("fio", "--name=writer", "--rw=randwrite", "--randrepeat=0", "--direct=1")
                .with(
                        export.equals("nbd") ? "--ioengine=nbd" : "--ioengine=libaio",
                        export.equals("nbd") ? "--uri=" + disk.uri() : "--filename=" + node())
                .with("--bs=64k", "--iodepth=16", "--rate_iops=" + rate, "--time_based", "--runtime=1200", "--size=8M")
                .with("--refill_buffers", "--error_dump=0")
                .start();
    }

    void stopWriting() {
        if (writer != null) {
            writer.close();
            writer = null;
        }
    }

    /** By their names, as they were done. */
    String attacks() {
        return attackers.stream().map(attacker -> attacker.attack.name()).collect(Collectors.joining(" and "));
    }

    /** Waits for all; what has worked. */
    List<Attack> awaitAttacks() {
        return attackers.stream()
                .filter(Attacker::await)
                .map(attacker -> attacker.attack)
                .toList();
    }

    /** Where the image's blocks, or some of them, are now: they must stay as they are. After the attacks. */
    List<Path> booty() {
        return awaitAttacks().stream()
                .flatMap(attack -> bootyOf(attack).stream())
                .toList();
    }

    /** The same of one attack, which has worked. */
    Optional<Path> bootyOf(Attack attack) {
        return attack == Attack.CLONE
                ? Optional.of(copy())
                : attack.needsOther() ? Optional.of(Adversary.other(image)) : Optional.empty();
    }

    private Path copy() {
        return Path.of(image + ".clone");
    }

    /** Whether the image lies where it did, with all that belongs to it. After the attacks. */
    boolean unchanged() {
        return layout.equals(layout()) && awaitAttacks().stream().noneMatch(Attack::keepsSize);
    }

    /** Whether a client's write is done within {@code seconds}. */
    boolean goesOn(int seconds) {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        do {
            try (Command.Running client = new Command(
                            "timeout", seconds, "qemu-io", "-f", "raw", "-c", "write -P 2 0 64k", disk.uri())
                    .start()) {
                if (client.await(seconds + 30).exitCode() == 0) {
                    return true;
                }
            }
        } while (System.nanoTime() < untilNanos);
        return false;
    }

    /** What there is to say of it. */
    String listing() {
        return disk.product()
                .run("-l", "-v", disk.unit())
                .output()
                .strip()
                .replace('\n', ' ')
                .replace('\t', ' ');
    }

    /** Sends its daemon a signal. */
    void signal(String name) {
        signal(name, disk.pid());
    }

    static void signal(String name, long pid) {
        new Command("kill", "-" + name, pid).run();
    }

    @Override
    public void close() throws IOException {
        for (Attacker attacker : attackers) {
            attacker.close();
        }
        stopWriting();
    }
}
