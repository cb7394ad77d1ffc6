package org.vnd.export;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.vnd.node.BlockNode;

/** Who uses a block device or one of its partitions: mounts, swap space, devices on top, open descriptors. */
public final class DeviceUsers {
    /** Named before "and n more". */
    private static final int NAMED = 3;

    private final List<BlockNode> nodes;
    private final List<String> ownPids;
    private final Set<String> found = new LinkedHashSet<>();

    private DeviceUsers(List<BlockNode> nodes, List<String> ownPids) {
        this.nodes = nodes;
        this.ownPids = ownPids;
    }

    /**
     * One line that names them, of whom one may be seen nowhere: "/dev/loop3p1 is mounted on /mnt". This process and those
     * that it has started aren't counted.
     */
    public static String describe(String disk) {
        List<String> names;
        try {
            names = find(disk);
        } catch (IOException gone) {
            return "it is just going away";
        }
        if (names.isEmpty()) {
            return "something that /proc doesn't show has it open";
        }
        return describe(names);
    }

    /**
     * Who uses {@code disk}, if there is such a disk and anybody whom /proc shows, in one line. This process and those
     * that it has started aren't counted.
     *
     * @throws IOException it went away meanwhile
     */
    public static Optional<String> of(String disk) throws IOException {
        if (!Files.exists(Path.of("/sys/block", disk))) {
            return Optional.empty();
        }
        List<String> names = find(disk);
        return names.isEmpty() ? Optional.empty() : Optional.of(describe(names));
    }

    /** Whether it is mounted, swapped to or part of another device: by errors that doesn't end, as an open descriptor may. */
    public static boolean isMounted(String disk) {
        DeviceUsers users;
        try {
            users = new DeviceUsers(BlockNode.ofDisk(disk), List.of());
        } catch (IOException gone) {
            return false;
        }
        users.lookAtHolders(disk);
        users.lookAtSwaps();
        users.lookAtProcesses(false);
        return !users.found.isEmpty();
    }

    private static List<String> find(String disk) throws IOException {
        List<String> own = new ArrayList<>();
        own.add(Long.toString(ProcessHandle.current().pid()));
        ProcessHandle.current().children().forEach(child -> own.add(Long.toString(child.pid())));
        DeviceUsers users = new DeviceUsers(BlockNode.ofDisk(disk), own);
        users.lookAtHolders(disk);
        users.lookAtSwaps();
        users.lookAtProcesses(true);
        return new ArrayList<>(users.found);
    }

    private static String describe(List<String> names) {
        int more = names.size() - NAMED;
        return String.join(", ", names.subList(0, Math.min(NAMED, names.size())))
                + (more > 0 ? ", and " + more + " more" : "");
    }

    private void lookAtHolders(String disk) {
        for (BlockNode node : nodes) {
            Path within = Path.of("/sys/block", disk, node.name());
            // A partition of a dm device is in no folder of the disk.
            Path folder = Files.exists(within) ? within : Path.of("/sys/block", node.name());
            for (Path holder : list(folder.resolve("holders"))) {
                String name = holder.getFileName().toString();
                if (nodes.stream().noneMatch(other -> other.name().equals(name))) {
                    found.add(node.path() + " is part of " + name);
                }
            }
        }
    }

    private void lookAtSwaps() {
        for (String line : lines(Path.of("/proc/swaps"))) {
            for (BlockNode node : nodes) {
                if (line.startsWith(node.path() + " ") || line.startsWith(node.path() + "\t")) {
                    found.add(node.path() + " is swap space");
                }
            }
        }
    }

    private void lookAtProcesses(boolean atDescriptors) {
        // Our own first: others may see the same mounts by other paths.
        Path self = Path.of("/proc/self");
        Set<String> namespaces = new LinkedHashSet<>(List.of(target(self.resolve("ns/mnt"))));
        lookAtMounts(self);
        for (Path process : list(Path.of("/proc"))) {
            String pid = process.getFileName().toString();
            if (!Character.isDigit(pid.charAt(0))) {
                continue;
            }
            if (namespaces.add(target(process.resolve("ns/mnt")))) {
                lookAtMounts(process);
            }
            if (atDescriptors && !ownPids.contains(pid)) {
                lookAtDescriptors(process);
            }
        }
    }

    /** proc_pid_mountinfo(5): the third field is the device, the fifth where it is mounted. */
    private void lookAtMounts(Path process) {
        for (String line : lines(process.resolve("mountinfo"))) {
            String[] fields = line.split(" ");
            int separator = List.of(fields).indexOf("-");
            String source = separator >= 0 && separator + 2 < fields.length ? fields[separator + 2] : "";
            for (BlockNode node : nodes) {
                // btrfs shows a device number of its own there.
                if (fields[2].equals(node.major() + ":" + node.minor()) || source.equals(node.path())) {
                    found.add(node.path() + " is mounted on " + fields[4]);
                }
            }
        }
    }

    private void lookAtDescriptors(Path process) {
        for (Path descriptor : list(process.resolve("fd"))) {
            String path = target(descriptor);
            for (BlockNode node : nodes) {
                if (path.startsWith("/dev/") && node.isAt(descriptor)) {
                    found.add("pid " + process.getFileName() + commandOf(process) + " has " + node.path() + " open");
                }
            }
        }
    }

    private static String commandOf(Path process) {
        List<String> name = lines(process.resolve("comm"));
        return name.isEmpty() ? "" : " (" + name.get(0) + ")";
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException gone) {
            return "";
        }
    }

    private static List<String> lines(Path file) {
        try {
            return List.of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n"));
        } catch (IOException gone) {
            return List.of();
        }
    }

    private static List<Path> list(Path folder) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(entries::add);
        } catch (IOException | RuntimeException gone) {
            // A process that has ended, or another user's.
        }
        return entries;
    }
}
