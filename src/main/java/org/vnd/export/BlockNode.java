package org.vnd.export;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.sys.FileCalls;

/**
 * A disk or partition as the kernel has it in /sys/block, and its node in /dev. A partition of a dm device is a dm device of
 * its own on top, whose UUID is that of the disk with {@code part1-} before it, by kpartx(8)'s custom.
 *
 * @param name the kernel's: {@code loop3}, {@code loop3p1}, {@code dm-4}
 * @param suffix of a partition, behind the name of its disk: {@code p1}; empty for the disk
 */
public record BlockNode(String name, String suffix, int major, int minor) {
    /** The disk {@code name}, and then its partitions, as they are known at this moment. */
    public static List<BlockNode> ofDisk(String name) throws IOException {
        Path folder = Path.of("/sys/block", name);
        List<BlockNode> nodes = new ArrayList<>();
        nodes.add(read(folder, name, ""));
        try (DirectoryStream<Path> partitions = Files.newDirectoryStream(folder, name + "p*")) {
            for (Path partition : partitions) {
                String partitionName = partition.getFileName().toString();
                try {
                    nodes.add(read(partition, partitionName, partitionName.substring(name.length())));
                } catch (IOException gone) {
                    // Its table has just changed.
                }
            }
        }
        addDmPartitions(folder, name, nodes);
        return nodes;
    }

    private static void addDmPartitions(Path folder, String name, List<BlockNode> nodes) throws IOException {
        String uuid = uuidOf(name);
        if (uuid.isEmpty()) {
            return;
        }
        try (DirectoryStream<Path> holders = Files.newDirectoryStream(folder.resolve("holders"))) {
            for (Path holder : holders) {
                String holderName = holder.getFileName().toString();
                String holderUuid = uuidOf(holderName);
                if (holderUuid.startsWith("part") && holderUuid.endsWith("-" + uuid)) {
                    String number = holderUuid.substring("part".length(), holderUuid.length() - uuid.length() - 1);
                    try {
                        nodes.add(read(Path.of("/sys/block", holderName), holderName, "p" + number));
                    } catch (IOException gone) {
                        // Its table has just changed.
                    }
                }
            }
        }
    }

    /** Of the dm device with this name of the kernel's, or empty. */
    private static String uuidOf(String kernelName) {
        try {
            return Files.readString(Path.of("/sys/block", kernelName, "dm/uuid"), StandardCharsets.UTF_8)
                    .strip();
        } catch (IOException none) {
            return "";
        }
    }

    private static BlockNode read(Path folder, String name, String suffix) throws IOException {
        String[] numbers = Files.readString(folder.resolve("dev"), StandardCharsets.US_ASCII)
                .strip()
                .split(":");
        return new BlockNode(name, suffix, Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]));
    }

    /** Its node, by the kernel's name. */
    public String path() {
        return "/dev/" + name;
    }

    /** Makes the node where nobody else does, as in a container whose /dev is no devtmpfs; whether it has. */
    public boolean make() {
        return !Files.exists(Path.of(path())) && FileCalls.makeBlockNode(path(), major, minor) == 0;
    }
}
