package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.Extents.Extent;
import org.vnd.system.AttachedDisk;
import org.vnd.system.Product;

/**
 * One disk, those who take its image's blocks away by one way of several, and a client that goes on writing meanwhile. Closing
 * it ends all of that.
 */
final class AttackedDisk implements AutoCloseable {
    static final long IMAGE_BYTES = 8 << 20;

    /** What a file may have less because of what the file system keeps with it. */
    private static final long BESIDE_BYTES = 64 << 10;

    /** One that doesn't go on says so at once. */
    private static final int ENDED_SECONDS = 3;

    private static final long WRITES_LIMIT_SECONDS = 60;
    private static final long DETACH_LIMIT_SECONDS = 20;

    /** One after the other. */
    final List<Attacker> attackers = new ArrayList<>();

    final String export;
    final Path image;
    final AttachedDisk disk;
    /** Where the image was when it was attached. */
    final List<Extent> extents;

    private final long sizeBytes;
    /** Of its block device, 0 if there is none; the name goes with the daemon. */
    private final long deviceNumber;

    private final String layout;
    private final long allocatedBytes;
    private Command.@Nullable Running writer;
    private long sectorsBefore;

    /** What is to be made and attached, and what is to be done to it then. */
    record Plan(Path image, long sizeBytes, String export, List<Attack> attacks) {}

    /** A new image, before and while it is attached. */
    private static final class Image {
        final Plan plan;
        final Path path;
        final List<Extent> extents;
        final List<Attacker> attackers = new ArrayList<>();

        Image(Plan plan, int number) throws IOException {
            this.plan = plan;
            path = plan.image;
            // In one piece, as the loop driver wants it.
            Command.output("fallocate", "--length", plan.sizeBytes, path);
            DirectFile.fill(path, plan.sizeBytes, number);
            extents = Extents.of(path);
            for (Attack attack : plan.attacks) {
                if (!attack.comesLater()) {
                    attackers.add(new Attacker(attack, path));
                }
            }
        }
    }

    /** Attaches a new image for each plan. */
    static List<AttackedDisk> attach(Product product, List<Plan> plans) throws Exception {
        List<Callable<Image>> attaches = new ArrayList<>();
        for (Plan plan : plans) {
            int number = attaches.size();
            attaches.add(() -> {
                Image image = new Image(plan, number);
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

    /** Where the images of {@code disks} were. */
    static List<Extent> extents(List<AttackedDisk> disks) {
        return disks.stream().flatMap(disk -> disk.extents.stream()).toList();
    }

    private AttackedDisk(Image image, AttachedDisk disk) throws IOException {
        export = image.plan.export;
        this.image = image.path;
        this.disk = disk;
        extents = image.extents;
        sizeBytes = image.plan.sizeBytes;
        deviceNumber = export.equals("nbd") ? 0 : ((Number) Files.getAttribute(node(), "unix:rdev")).longValue();
        if (!disk.engine().equals("physical")) {
            throw new AssertionError(disk.engineReason());
        }
        for (Attack attack : image.plan.attacks) {
            attackers.add(attack.comesLater() ? new Attacker(attack, this.image) : image.attackers.remove(0));
        }
        // With the place that the lock's record takes.
        layout = layout();
        allocatedBytes = allocatedBytes();
    }

    /** Without opening it, which may be refused. */
    private String layout() {
        return Command.output("stat", "--format", "%s bytes in %b", image);
    }

    private long allocatedBytes() {
        return Long.parseLong(Command.output("stat", "--format", "%b", image)) * 512;
    }

    /** Whether blocks of the image were given back to its file system. After the attacks. */
    boolean freed() {
        return allocatedBytes() < allocatedBytes - BESIDE_BYTES;
    }

    /** The process that keeps its loop device. */
    ProcessHandle loopProgram() {
        return disk.daemon()
                .children()
                .filter(child -> child.info().command().orElse("").endsWith("/vnd-loop"))
                .findFirst()
                .orElseThrow();
    }

    /** Its block device. */
    Path node() {
        return disk.product().state().resolve(disk.unit()).resolve(disk.unit());
    }

    /** Begins to write all of the disk, {@code rate} blocks of 64 KiB a second, over and over, until it says no. */
    void write(int rate) throws IOException {
        stopWriting();
        if (!export.equals("nbd") && !Files.exists(node())) {
            // It went with its daemon, and fio would make a file of its name.
            return;
        }
        sectorsBefore = sectorsWritten();
        writer = new Command("fio", "--name=writer", "--rw=randwrite", "--randrepeat=0", "--direct=1")
                .with(
                        export.equals("nbd") ? "--ioengine=nbd" : "--ioengine=libaio",
                        export.equals("nbd") ? "--uri=" + disk.uri() : "--filename=" + node())
                .with(
                        "--bs=64k",
                        "--iodepth=16",
                        "--rate_iops=" + rate,
                        "--time_based",
                        "--runtime=1200",
                        "--size=" + sizeBytes)
                .with("--refill_buffers", "--error_dump=0")
                .start();
    }

    /** Waits until the kernel has a write of this client: a device that nobody has opened ends with its daemon. */
    void awaitWrites() throws IOException, InterruptedException {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(WRITES_LIMIT_SECONDS);
        while (writer != null && !export.equals("nbd") && sectorsWritten() == sectorsBefore) {
            if (System.nanoTime() - untilNanos > 0) {
                throw new AssertionError(image + ": nothing is written: " + writer.output() + writer.errors());
            }
            Thread.sleep(20);
        }
    }

    /** Waits until {@code bytes} more are written, by way of its block device. */
    void awaitMoreWrites(long bytes) throws IOException, InterruptedException {
        for (long until = sectorsWritten() + bytes / 512; sectorsWritten() < until; ) {
            sectorsBefore = sectorsWritten();
            awaitWrites();
        }
    }

    /** Whether the client still writes: it ends with the first error. */
    boolean writing() {
        return writer != null && writer.alive();
    }

    /** Waits until the client was told no; whether that was within {@code seconds}. */
    boolean awaitRefusal(int seconds) throws InterruptedException {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (writing() && System.nanoTime() - untilNanos < 0) {
            Thread.sleep(20);
        }
        return !writing();
    }

    /** All that write to the file system's device for it: its daemon and its client. */
    List<Long> writers() {
        List<Long> pids = new ArrayList<>(List.of(disk.pid()));
        if (writer != null) {
            pids.add(writer.pid());
            ProcessHandle.of(writer.pid())
                    .ifPresent(client -> client.descendants().forEach(each -> pids.add(each.pid())));
        }
        return pids;
    }

    /**
     * Sectors, by its block device, since that has got its number, and more when others had it. Not requests: fio flushes, and
     * closes it once more, before it begins. Documentation/block/stat.rst: the seventh.
     */
    private long sectorsWritten() throws IOException {
        if (deviceNumber == 0) {
            return 0;
        }
        // glibc's sysmacros.h
        String name = (deviceNumber >> 8 & 0xfff) + ":" + (deviceNumber & 0xff | deviceNumber >> 12 & 0xfff00);
        return Long.parseLong(Files.readString(Path.of("/sys/dev/block", name, "stat"))
                .strip()
                .split(" +")[6]);
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

    /** After how many milliseconds a client's write was done by its block device, or over NBD if it has none; within a limit. */
    OptionalLong goesOn(int seconds) throws InterruptedException {
        return write(export.equals("nbd") ? overNbd() : byNode(), seconds);
    }

    /** Whether a client's write is done by any way. */
    boolean serves() throws InterruptedException {
        return write(overNbd(), ENDED_SECONDS).isPresent()
                || !export.equals("nbd") && write(byNode(), ENDED_SECONDS).isPresent();
    }

    private Command overNbd() {
        return new Command("qemu-io", "-f", "raw", "-c", "write -P 2 0 64k", disk.uri());
    }

    private Command byNode() {
        return new Command("dd", "if=/dev/zero", "of=" + node(), "bs=64k", "count=1")
                .with("oflag=direct", "conv=nocreat,notrunc");
    }

    private static OptionalLong write(Command command, int seconds) throws InterruptedException {
        long beganNanos = System.nanoTime();
        long limitNanos = TimeUnit.SECONDS.toNanos(seconds);
        do {
            try (Command.Running client = command.start()) {
                // Who waits for a device can't be ended: he may be left waiting.
                while (client.alive() && System.nanoTime() - beganNanos < limitNanos) {
                    Thread.sleep(10);
                }
                if (!client.alive() && client.await(0).exitCode() == 0) {
                    return OptionalLong.of(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNanos));
                }
            }
            Thread.sleep(200);
        } while (System.nanoTime() - beganNanos < limitNanos);
        return OptionalLong.empty();
    }

    /** What it has said. */
    String log() throws IOException {
        return Files.readString(disk.product().state().resolve(disk.unit()).resolve("log"));
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

    /** Whether the daemon is gone within so many seconds. */
    boolean endsWithin(int seconds) throws Exception {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (Files.exists(Path.of("/proc", Long.toString(disk.pid())))) {
            if (System.nanoTime() - endNanos >= 0) {
                return false;
            }
            Thread.sleep(20);
        }
        return true;
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
