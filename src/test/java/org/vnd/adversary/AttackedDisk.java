package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
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
    private static final long IMAGE_BYTES = 8 << 20;
    private static final long WRITES_LIMIT_SECONDS = 60;
    private static final long DETACH_LIMIT_SECONDS = 20;

    /** One after the other. */
    final List<Attacker> attackers = new ArrayList<>();

    final String export;
    final Path image;
    final AttachedDisk disk;
    private final String layout;
    private Command.@Nullable Running writer;
    private long writesBefore;

    /** What is to be attached, and what is to be done to it then. */
    record Plan(String export, List<Attack> attacks) {}

    /** A new image, before and while it is attached. */
    private static final class Image {
        final Plan plan;
        final Path path;
        final List<Attacker> attackers = new ArrayList<>();

        Image(ScratchFileSystem files, int number, Plan plan) throws IOException {
            this.plan = plan;
            path = files.path("image" + number);
            // In one piece, as the loop driver wants it.
            Command.output("fallocate", "--length", IMAGE_BYTES, path);
            DirectFile.fill(path, IMAGE_BYTES, number);
            for (Attack attack : plan.attacks) {
                if (!attack.comesLater()) {
                    attackers.add(new Attacker(attack, path));
                }
            }
        }
    }

    /** Attaches a new image of {@code files} for each plan. */
    static List<AttackedDisk> attach(Product product, ScratchFileSystem files, List<Plan> plans) throws Exception {
        List<Callable<Image>> attaches = new ArrayList<>();
        for (Plan plan : plans) {
            int number = attaches.size();
            attaches.add(() -> {
                Image image = new Image(files, number, plan);
                product.command("-c", "--export", plan.export, image.path).run().succeeded();
                return image;
            });
        }
        List<Image> images = AtOnce.call(attaches);
        // Once for all of them: it takes a JVM, which asks each.
        Map<Path, AttachedDisk> attached =
                product.disks().stream().collect(Collectors.toMap(AttachedDisk::file, disk -> disk));
        List<AttackedDisk> disks = new ArrayList<>();
        for (Image image : images) {
            disks.add(new AttackedDisk(image, Objects.requireNonNull(attached.get(image.path))));
        }
        return disks;
    }

    private AttackedDisk(Image image, AttachedDisk disk) throws IOException {
        export = image.plan.export;
        this.image = image.path;
        this.disk = disk;
        if (!disk.engine().equals("physical")) {
            throw new AssertionError(disk.engineReason());
        }
        for (Attack attack : image.plan.attacks) {
            attackers.add(attack.comesLater() ? new Attacker(attack, this.image) : image.attackers.remove(0));
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
    void write(int rate) throws IOException {
        stopWriting();
        if (!export.equals("nbd") && deviceNumber() == 0) {
            // It went with its daemon, and fio would make a file of its name.
            return;
        }
        writesBefore = writes();
        writer = new Command("fio", "--name=writer", "--rw=randwrite", "--randrepeat=0", "--direct=1")
                .with(
                        export.equals("nbd") ? "--ioengine=nbd" : "--ioengine=libaio",
                        export.equals("nbd") ? "--uri=" + disk.uri() : "--filename=" + node())
                .with("--bs=64k", "--iodepth=16", "--rate_iops=" + rate, "--time_based", "--runtime=1200", "--size=8M")
                .with("--refill_buffers", "--error_dump=0")
                .start();
    }

    /** Waits until the kernel has a write of this client: a device that nobody has opened ends with its daemon. */
    void awaitWrites() throws IOException, InterruptedException {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(WRITES_LIMIT_SECONDS);
        while (writer != null && !export.equals("nbd") && writes() == writesBefore) {
            if (System.nanoTime() - untilNanos > 0) {
                throw new AssertionError(image + ": nothing is written");
            }
            Thread.sleep(20);
        }
    }

    /** By its block device, since that has got its number, and more when others had it. Documentation/block/stat.rst: the fifth. */
    private long writes() throws IOException {
        long number = export.equals("nbd") ? 0 : deviceNumber();
        if (number == 0) {
            return 0;
        }
        // glibc's sysmacros.h
        String name = (number >> 8 & 0xfff) + ":" + (number & 0xff | number >> 12 & 0xfff00);
        return Long.parseLong(Files.readString(Path.of("/sys/dev/block", name, "stat"))
                .strip()
                .split(" +")[4]);
    }

    /** Of its block device; 0 if there is none any more. */
    private long deviceNumber() throws IOException {
        return Files.exists(node()) ? ((Number) Files.getAttribute(node(), "unix:rdev")).longValue() : 0;
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

    /** Detaches {@code disks}, as far as they can be, without a JVM for each. */
    static void detach(List<AttackedDisk> disks) throws Exception {
        disks.forEach(each -> each.signal("TERM"));
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DETACH_LIMIT_SECONDS);
        while (disks.stream().anyMatch(each -> ProcessHandle.of(each.disk.pid()).isPresent())
                && System.nanoTime() < untilNanos) {
            Thread.sleep(100);
        }
    }

    @Override
    public void close() throws IOException {
        for (Attacker attacker : attackers) {
            attacker.close();
        }
        stopWriting();
    }
}
