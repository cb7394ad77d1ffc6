package org.vnd.export.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.Removal;
import org.vnd.image.AttachListener;
import org.vnd.image.AttachRequest;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.image.FilePlace;
import org.vnd.image.ImageException;
import org.vnd.image.Recovery;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.SeededRandom;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DmRequest;
import org.vnd.sys.FileCalls;

/**
 * Run in a guest: an image as a dm device, on which shell commands work. What it does is the first argument; it says what it
 * has seen line by line, and fails loudly.
 */
final class DmProgram {
    private static final long IMAGE_BYTES = 24 << 20;
    private static final int EXTENTS = 100;
    private static final String UNIT = "vnd0";
    private static final long WAIT_NANOS = 20_000_000_000L;
    private static final Removal REMOVAL =
            new Removal((device, cause, reason) -> System.err.println(device + ": " + reason));

    private DmProgram() {}

    public static void main(String[] arguments) throws Exception {
        List<String> rest = Arrays.asList(arguments).subList(1, arguments.length);
        try {
            switch (arguments[0]) {
                case "life" -> life(Path.of(rest.get(0)), Long.parseLong(rest.get(1)), rest.get(2), rest.get(3));
                case "tables" -> tables(Path.of(rest.get(0)), rest.subList(1, rest.size()));
                case "try" -> tryAll(rest);
                case "read-only" -> readOnly(Path.of(rest.get(0)), rest.get(1));
                case "hold" -> hold(Path.of(rest.get(0)), Boolean.parseBoolean(rest.get(1)));
                case "large" -> large(Path.of(rest.get(0)), Integer.parseInt(rest.get(1)));
                case "kill" -> kill(Path.of(rest.get(0)), rest.get(1), rest.get(2), rest.get(3));
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        } catch (Exception | Error e) {
            e.printStackTrace();
            System.err.flush();
            Runtime.getRuntime().halt(1);
        }
        System.exit(0);
    }

    private static AttachedImage image(Path path, boolean readOnly) throws IOException {
        return AttachedImage.attach(
                new AttachRequest(path.toString(), UNIT, Engine.PHYSICAL, readOnly, false, 0, 0), AttachListener.NONE);
    }

    private static DmDevice device(AttachedImage image) throws IOException {
        DiskRuns runs = new DiskRuns();
        Objects.requireNonNull(image.map()).pieces(image.offsetBytes(), image.sizeBytes(), runs::add);
        FilePlace place = image.place();
        return DmDevice.attach(
                image.fd(),
                place.deviceMajor(),
                place.deviceMinor(),
                place.inode(),
                runs,
                image.blockBytes(),
                image.readOnly(),
                UNIT,
                names(),
                (node, failCommand) -> {},
                REMOVAL);
    }

    /** A folder of this process alone, in the guest's memory. */
    private static DeviceNames names() throws IOException {
        return new DeviceNames(Files.createTempDirectory(UNIT));
    }

    /** From a fragmented image to a disk with partitions in use, and back. */
    private static void life(Path path, long seed, String use, String check) throws Exception {
        Fragmenter made = Fragmenter.make(path, IMAGE_BYTES, EXTENTS, new SeededRandom(seed));
        long before = DirectFile.checksum(path);
        AttachedImage image = image(path, false);
        DmDevice device = device(image);
        Path node = Path.of(device.node());
        say("as the file", DirectFile.checksum(node) == before);
        shell(use, device);
        device.lookForPartitions();
        List<BlockNode> nodes = BlockNode.ofDisk(name(device));
        say("nodes", nodes.stream().map(BlockNode::suffix).collect(Collectors.toList()));
        String second = nodes.get(2).path();
        shell(
                "mkfs.ext4 -q -b 4096 $2; mkdir mounted; mount $2 mounted; cp -r \"$VMLAB_CHECKOUT/src/main\" mounted/tree",
                device,
                second);
        try {
            device.remove();
            throw new AssertionError("removed while it was mounted");
        } catch (DeviceBusyException e) {
            // The guest's first process sees all files below /host, and an emulated machine may be too slow for all.
            say(
                    "busy",
                    String.valueOf(e.getMessage())
                            .replace(second, "p2")
                            .replace("/host/", "/")
                            .replaceFirst(" [(]not everything.*", ""));
        }
        say("nodes", BlockNode.ofDisk(name(device)).size());
        say("unchanged", device.unchanged());
        shell(check, device, second, nodes.get(1).path());
        device.lookForPartitions();
        say("nodes", BlockNode.ofDisk(name(device)).size());
        long after = DirectFile.checksum(node);
        say("has changed", after != before);
        device.remove();
        device.remove();
        say("left", Files.exists(node));
        image.lock().release(AttachListener.NONE).ifPresent(problem -> say("problem", problem));
        say("in the file", DirectFile.checksum(path) == after);
        made.checkNeighbours();
    }

    /** Each of {@code changes} is a command that changes the mounted device's table; what is thought of it. */
    private static void tables(Path path, List<String> changes) throws Exception {
        AttachedImage image = image(path, false);
        DmDevice device = device(image);
        for (String change : changes) {
            shell(change, device);
            say("unchanged", device.unchanged());
        }
        failWhileItIsRead(device);
        shell("! dd if=$1 of=/dev/null bs=4096 count=1 iflag=direct status=none 2>/dev/null", device);
        shell("! dd if=/dev/zero of=$1 bs=4096 count=1 oflag=direct status=none 2>/dev/null", device);
        device.remove();
        say("left", Files.exists(Path.of(device.node())));
    }

    /** A read of the disk that isn't done keeps nobody from failing it, after which it is. */
    private static void failWhileItIsRead(DmDevice device) throws Exception {
        String disk = "name=$(cat /sys/block/${1##*/}/dm/name); ";
        shell(disk + "blockdev --flushbufs $1; dmsetup suspend --noudevsync $name", device);
        Thread looks = start("looks", () -> {
            device.lookForPartitions();
            return true;
        });
        await(() -> isWaiting("looks"));
        say("tables are read at once", hasEnded(start("tables", device::unchanged)));
        boolean failed = hasEnded(start("fails", () -> {
            device.fail();
            return true;
        }));
        say("fails at once", failed);
        if (!failed) {
            shell(disk + "dmsetup resume --noudevsync $name", device);
        }
        say("looks on", !hasEnded(looks));
    }

    private static Thread start(String name, Callable<?> work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.call();
                    } catch (Exception e) {
                        e.printStackTrace();
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static boolean hasEnded(Thread thread) throws InterruptedException {
        thread.join(TimeUnit.NANOSECONDS.toMillis(WAIT_NANOS));
        return !thread.isAlive();
    }

    /** For what the kernel doesn't interrupt. */
    private static boolean isWaiting(String thread) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.map(task -> String.valueOf(SmallFile.read(task + "/stat")))
                    .anyMatch(stat -> stat.contains("(" + thread + ") D "));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether each of the images can be had, or why not. */
    private static void tryAll(List<String> paths) throws Exception {
        for (String path : paths) {
            AttachedImage image = image(Path.of(path), false);
            try {
                DmDevice device = device(image);
                device.remove();
                say(path, Files.exists(Path.of(device.node())) ? "is still there" : "could be had");
            } catch (IOException e) {
                say(path, String.valueOf(e.getMessage()));
            }
            image.lock().release(AttachListener.NONE);
        }
    }

    private static void readOnly(Path path, String commands) throws Exception {
        AttachedImage image = image(path, true);
        DmDevice device = device(image);
        shell(commands, device);
        device.remove();
        image.lock().release(AttachListener.NONE);
    }

    /** A table of {@code count} targets of a block each; what it costs goes to standard error. */
    private static void large(Path disk, int count) throws Exception {
        DiskRuns runs = new DiskRuns();
        for (long index = 0; index < count; index++) {
            runs.add(8192 * index, 4096);
        }
        String number = Files.readString(
                        Path.of("/sys/block", disk.getFileName().toString(), "dev"))
                .strip();
        DmTarget whole = new DmTarget(0, 1L << 40, "linear", number + " 0");
        LinearTable table = LinearTable.translate(runs, runs.sectors(), List.of(whole));
        int control = DmRequest.openControl();
        long freeBefore = availableKibibytes();
        long start = System.nanoTime();
        LinearDevice device = LinearDevice.make(
                control,
                "large",
                "VND-large",
                table,
                false,
                names(),
                before -> {},
                (unusable, cause) -> unusable.removeLater());
        long made = System.nanoTime();
        long takenKibibytes = freeBefore - availableKibibytes();
        int fd = FileCalls.open(device.node(), FileCalls.O_RDWR);
        long opened = System.nanoTime();
        say("kernel memory is bounded", takenKibibytes < count);
        say("flushes", FileCalls.fdatasync(fd) == 0);
        long flushed = System.nanoTime();
        FileCalls.close(fd);
        long closed = System.nanoTime();
        if (!device.remove()) {
            throw new AssertionError("busy");
        }
        System.err.printf(
                "%d targets: %d KiB, made in %d ms, flushed in %d us, removed in %d ms%n",
                count,
                takenKibibytes,
                (made - start) / 1_000_000,
                (flushed - opened) / 1000,
                (System.nanoTime() - closed) / 1_000_000);
        say("left", Files.exists(Path.of(device.node())));
    }

    private static long availableKibibytes() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/meminfo")).get(2);
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }

    /** A daemon that is going to be killed. */
    private static void hold(Path path, boolean asDevice) throws Exception {
        AttachedImage image = image(path, false);
        DmDevice device = asDevice ? device(image) : null;
        FilePlace place = image.place();
        System.out.println((device == null ? "none" : device.node()) + " " + place.deviceMajor() + ":"
                + place.deviceMinor() + ":" + place.inode());
        Thread.sleep(Long.MAX_VALUE);
    }

    /** Kills a daemon whose disk is mounted, and one that had only just made its devices. */
    private static void kill(Path path, String mount, String unmount, String leave) throws Exception {
        String[] said = holdAndKill(path, true, mount);
        try {
            Recovery.recover(path.toString());
            throw new AssertionError("recovered, and mounted");
        } catch (ImageException e) {
            say(
                    "refused",
                    String.valueOf(e.getMessage())
                            .replaceAll("pid [0-9]+", "pid")
                            .replace(said[0], "node"));
        }
        shell(unmount, null);
        await(() -> !Files.exists(Path.of(said[0])));
        say("recovered", Recovery.recover(path.toString()).replaceAll("pid [0-9]+", "pid"));
        String[] unmounted = holdAndKill(path, true, "true");
        await(() -> !Files.exists(Path.of(unmounted[0])));
        say("recovered", Recovery.recover(path.toString()).replaceAll("pid [0-9]+", "pid"));
        String[] none = holdAndKill(path, false, "true");
        shell(leave, null, none[1]);
        say("recovered", Recovery.recover(path.toString()).replaceAll("pid [0-9]+", "pid"));
    }

    private static String[] holdAndKill(Path path, boolean asDevice, String commands) throws Exception {
        ProcessHandle.Info self = ProcessHandle.current().info();
        List<String> words = new ArrayList<>(List.of(self.command().orElseThrow()));
        for (String word : self.arguments().orElseThrow()) {
            if (word.equals(DmProgram.class.getName())) {
                break;
            }
            words.add(word);
        }
        words.addAll(List.of(DmProgram.class.getName(), "hold", path.toString(), Boolean.toString(asDevice)));
        Process process = new ProcessBuilder(words)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String line = process.inputReader().readLine();
        if (line == null) {
            throw new AssertionError("the other ended");
        }
        String[] said = line.split(" ");
        shell(commands, null, said[0]);
        process.destroyForcibly().waitFor();
        return said;
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long giveUpNanos = System.nanoTime() + WAIT_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - giveUpNanos > 0) {
                throw new AssertionError("waited in vain");
            }
            Thread.sleep(10);
        }
    }

    private static String name(DmDevice device) {
        return Path.of(device.node()).getFileName().toString();
    }

    private static void say(String what, Object value) {
        System.out.println(what + ": " + value);
    }

    /** The commands find the device in {@code $1} and what else there is behind it. */
    private static void shell(String commands, DmDevice device, String... more) throws Exception {
        List<String> words = new ArrayList<>(List.of("/bin/sh", "-euc", commands, "sh"));
        if (device != null) {
            words.add(device.node());
        }
        words.addAll(List.of(more));
        int code = new ProcessBuilder(words).inheritIO().start().waitFor();
        if (code != 0) {
            throw new AssertionError("exit code " + code + " from: " + commands);
        }
    }
}
