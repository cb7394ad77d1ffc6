package org.vnd.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;
import org.vnd.partition.Partition;
import org.vnd.sys.OwnProgram;

/** The program of ours that does on a block device what may take long, vnd-blockdev. */
@Requires(
        loop = true,
        tools = {"losetup", "partx", "sfdisk", "truncate"})
class SmallProgramTest {
    private static final int LIMIT_SECONDS = 60;

    @TempDir
    Path folder;

    private static boolean blockdev(String... words) {
        String[] line = new String[words.length + 1];
        line[0] = OwnProgram.path("vnd-blockdev");
        System.arraycopy(words, 0, line, 1, words.length);
        return SmallProgram.run(LIMIT_SECONDS, line);
    }

    private static List<String> partitions(Path device) {
        String name = device.getFileName().toString();
        return Command.output("find", "/sys/block/" + name + "/", "-maxdepth", "1", "-name", name + "p*")
                .lines()
                .map(path -> path.substring(path.lastIndexOf('/') + 1))
                .sorted()
                .toList();
    }

    @Test
    void whatIsBufferedIsWrittenAndPartitionsAreForgotten() {
        Path image = folder.resolve("image");
        Command.output("truncate", "-s", "32M", image);
        new Command("sfdisk", "-q", image)
                .input("size=4M\nsize=4M\nsize=4M\n")
                .run()
                .succeeded();
        try (LoopDevice device = LoopDevice.attach(image, false, "--partscan")) {
            String name = device.path().getFileName().toString();
            // There are kernels without eyes for this table.
            Partitions.update(device.path().toString());
            assertEquals(List.of(name + "p1", name + "p2", name + "p3"), partitions(device.path()));
            assertTrue(blockdev("flush", device.path().toString()));
            assertTrue(blockdev("forget", device.path().toString()));
            assertEquals(List.of(), partitions(device.path()));
            assertTrue(blockdev("forget", device.path().toString()), "there is nothing to forget");
        }
    }

    /** What partx's own update takes away and brings back has another inode in /sys afterwards. */
    @Test
    void whatStaysInATableIsNotTakenAwayForAMoment() throws Exception {
        Path image = folder.resolve("image");
        Command.output("truncate", "-s", "64M", image);
        table(image, "2048,8192", "10240,8192,type=5", "18432,16384", "34816,8192", "12288,2048");
        try (LoopDevice device = LoopDevice.attach(image, false, "--partscan")) {
            String node = device.path().toString();
            Partitions.update(node);
            assertEquals(List.of(1, 2, 3, 4, 5), numbers(device));
            Map<Integer, Object> before = inodes(device);
            Partitions.update(node);
            assertEquals(before, inodes(device));
            // The fourth goes, the third grows into its place, and the fifth within the second.
            table(device.path(), "2048,8192", "10240,8192,type=5", "18432,32768", "", "12288,4096");
            Partitions.update(node);
            assertEquals(List.of(1, 2, 3, 5), numbers(device));
            assertEquals(
                    List.of(8192L, 2L, 32768L, 4096L),
                    sorted(device).map(Partition::sectors).toList());
            Map<Integer, Object> after = inodes(device);
            assertEquals(before.get(1), after.get(1));
            assertEquals(before.get(2), after.get(2));
            // Two change places.
            table(device.path(), "18432,8192", "10240,8192,type=5", "2048,8192", "", "12288,4096");
            Partitions.update(node);
            assertEquals(
                    List.of(18432L, 10240L, 2048L, 12288L),
                    sorted(device).map(Partition::start).toList());
        }
    }

    /** Writes an MBR, "start,sectors" of each partition, without telling the kernel. */
    private static void table(Path disk, String... partitions) {
        StringBuilder script = new StringBuilder("label: dos\n");
        for (int index = 0; index < partitions.length; index++) {
            if (!partitions[index].isEmpty()) {
                script.append("d" + (index + 1) + " : start=" + partitions[index].replaceFirst(",", ",size="))
                        .append('\n');
            }
        }
        new Command("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--force", "--wipe", "never", disk)
                .input(script.toString())
                .run()
                .succeeded();
    }

    private static Stream<Partition> sorted(LoopDevice device) throws IOException {
        return Partitions.shown(device.path().getFileName().toString()).stream()
                .sorted(Comparator.comparingInt(Partition::number));
    }

    private static List<Integer> numbers(LoopDevice device) throws IOException {
        return sorted(device).map(Partition::number).toList();
    }

    /** Of the partitions' folders in /sys, by the partitions' numbers. */
    private static Map<Integer, Object> inodes(LoopDevice device) throws IOException {
        String name = device.path().getFileName().toString();
        Map<Integer, Object> inodes = new TreeMap<>();
        for (int number : numbers(device)) {
            inodes.put(number, Files.getAttribute(Path.of("/sys/block", name, name + "p" + number), "unix:ino"));
        }
        return inodes;
    }

    @Test
    void aProgramIsInstalledOrNot() {
        assertTrue(SmallProgram.isInstalled("losetup"));
        assertFalse(SmallProgram.isInstalled("no-such-program"));
    }

    @Test
    void whatCannotBeDoneIsNotSaidToBeDone() throws Exception {
        assertFalse(blockdev("flush", folder.resolve("missing").toString()));
        assertFalse(blockdev("flush", Command.find("true").orElseThrow().toString()));
        assertFalse(blockdev("something", "/dev/null"));
        assertFalse(blockdev());
    }
}
