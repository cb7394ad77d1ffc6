package org.vnd.node;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.sys.DeviceNumber;

/**
 * A disk or partition as the kernel had it in /sys/block at one moment, and its node in /dev. A partition of a dm device is a
 * dm device of its own on top, whose UUID is that of the disk with {@code part1-} before it, by kpartx(8)'s custom.
 *
 * @param name the kernel's: {@code loop3}, {@code loop3p1}, {@code dm-4}
 * @param suffix of a partition, behind the name of its disk: {@code p1}; empty for the disk
 * @param mark what tells it from another that has got the same name and number since: {@code FILE=VALUE}, a file in
 *     /sys/class/block/NAME and its content, or several with tabs between them; empty where the kernel has nothing
 */
public record BlockNode(String name, String suffix, int major, int minor, String mark) {
    /** All that the kernel has now. */
    static final Path DEVICES = Path.of("/sys/class/block");

    /** Of a partition, whose disk's files are a folder above. */
    private static final String OF_DISK = "../";

    /** The disk {@code name}, and then its partitions, as they are known at this moment. */
    public static List<BlockNode> ofDisk(String name) throws IOException {
        List<BlockNode> nodes = new ArrayList<>();
        BlockNode disk = disk(name);
        nodes.add(disk);
        String partitionMark = disk.mark.isEmpty() ? "" : OF_DISK + disk.mark.replace("\t", "\t" + OF_DISK);
        try (DirectoryStream<Path> partitions = Files.newDirectoryStream(DEVICES.resolve(name), name + "p*")) {
            for (Path partition : partitions) {
                String partitionName = partition.getFileName().toString();
                read(partitionName, partitionName.substring(name.length()), partitionMark)
                        .ifPresent(nodes::add);
            }
        }
        addDmPartitions(name, nodes);
        return nodes;
    }

    /** The disk {@code name} alone. */
    public static BlockNode disk(String name) throws IOException {
        Optional<BlockNode> disk = read(name, "", markOf(name));
        if (disk.isEmpty()) {
            throw new NoSuchFileException(DEVICES.resolve(name).toString());
        }
        return disk.get();
    }

    private static void addDmPartitions(String name, List<BlockNode> nodes) throws IOException {
        String uuid = content(name, "dm/uuid");
        if (uuid.isEmpty()) {
            return;
        }
        try (DirectoryStream<Path> holders =
                Files.newDirectoryStream(DEVICES.resolve(name).resolve("holders"))) {
            for (Path holder : holders) {
                String holderName = holder.getFileName().toString();
                String holderUuid = content(holderName, "dm/uuid");
                if (holderUuid.startsWith("part") && holderUuid.endsWith("-" + uuid)) {
                    String number = holderUuid.substring("part".length(), holderUuid.length() - uuid.length() - 1);
                    read(holderName, "p" + number, markOf(holderName)).ifPresent(nodes::add);
                }
            }
        }
    }

    /** None if it is gone: of a partition, because its table has just changed. */
    private static Optional<BlockNode> read(String name, String suffix, String mark) throws IOException {
        String text = content(name, "dev");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        DeviceNumber number = DeviceNumber.parse(text);
        return Optional.of(new BlockNode(name, suffix, number.major(), number.minor(), mark));
    }

    /**
     * What differs from one disk of this name to the next: the UUID of dm; what whoever connected an nbd device calls it
     * (Linux 5.13), since such a device may stay from one to the next; the number that each disk gets once, and each loop
     * device each time it is set up (diskseq, Linux 5.15); else who connected an nbd device, or what is below a loop device.
     */
    private static String markOf(String name) throws IOException {
        for (String file : List.of("dm/uuid", "backend", "diskseq", "pid")) {
            String content = content(name, file);
            if (!content.isEmpty()) {
                return file + "=" + content;
            }
        }
        String backing = content(name, "loop/backing_file");
        return backing.isEmpty()
                ? ""
                : "loop/backing_file=" + backing + "\tloop/offset=" + content(name, "loop/offset");
    }

    /**
     * Of a file of the device in /sys; empty if there is none.
     *
     * @throws IOException that can't be told, for want of descriptors for one; the device may well be there
     */
    static String content(String name, String file) throws IOException {
        return content(DEVICES.resolve(name).resolve(file));
    }

    private static String content(Path path) throws IOException {
        try (InputStream stream = Files.newInputStream(path)) {
            return content(stream);
        } catch (IOException e) {
            if (Files.notExists(path)) {
                return "";
            }
            throw e;
        }
    }

    /** What was opened and can't be read is of a device that the kernel takes apart: ENODEV, and EINVAL of dm. */
    private static String content(InputStream stream) {
        try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException gone) {
            return "";
        }
    }

    /** Its node, by the kernel's name. */
    public String path() {
        return "/dev/" + name;
    }

    /** Its number, as /sys and native/names.h write it. */
    public String number() {
        return major + ":" + minor;
    }

    /** Whether it is what the kernel has by its name and number now. */
    public boolean isThere() throws IOException {
        return content(name, "dev").equals(number()) && hasMark();
    }

    private boolean hasMark() throws IOException {
        if (!mark.isEmpty()) {
            for (String each : mark.split("\t")) {
                int equals = each.indexOf('=');
                if (!content(name, each.substring(0, equals)).equals(each.substring(equals + 1))) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Whether another disk, which is in use, has got its name and number. A disk that is being taken away has another mark
     * already, and partitions still; it has no size. One without a mark wasn't in use yet when it was noted.
     */
    boolean isAnothers() throws IOException {
        String size = content(name, mark.startsWith(OF_DISK) ? OF_DISK + "size" : "size");
        return content(name, "dev").equals(number()) && isInUse(size) && (mark.isEmpty() || !hasMark());
    }

    /** By the content of its file {@code size} in /sys. */
    private static boolean isInUse(String size) {
        return !size.isEmpty() && !size.equals("0");
    }

    /** Whether {@code path} leads to a block device that has a size now, and so a disk behind it. */
    static boolean leadsToDisk(Path path) throws IOException {
        try {
            if (!isBlockNode(path)) {
                return false;
            }
            return isInUse(content(numberOf(path).folder().resolve("size")));
        } catch (IOException e) {
            if (!Files.exists(path)) {
                return false;
            }
            throw e;
        }
    }

    /** Whether {@code path} is a node with its number. */
    public boolean isAt(Path path, LinkOption... options) {
        try {
            return numberOf(path, options).toString().equals(number()) && isBlockNode(path, options);
        } catch (IOException | RuntimeException gone) {
            return false;
        }
    }

    /** Of the device that the node {@code path} leads to. */
    static DeviceNumber numberOf(Path path, LinkOption... options) throws IOException {
        return DeviceNumber.unpack((Long) Files.getAttribute(path, "unix:rdev", options));
    }

    static boolean isBlockNode(Path path, LinkOption... options) throws IOException {
        return ((Integer) Files.getAttribute(path, "unix:mode", options) & 0xF000) == 0x6000;
    }

    /** Whether its node in /dev is there and leads to it. */
    public boolean hasNode() {
        return isAt(Path.of(path()), LinkOption.NOFOLLOW_LINKS);
    }
}
