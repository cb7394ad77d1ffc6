package org.vnd.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vnd.node.BlockNode;
import org.vnd.proc.Findings;
import org.vnd.proc.KnownFile;
import org.vnd.proc.Lines;
import org.vnd.proc.ProcessFolder;
import org.vnd.proc.Search;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DeviceNumber;

/** Who uses a block device or one of its partitions: mounts, swap space, devices on top, open descriptors. */
public final class DeviceUsers {
    private static final String UNSEEN = "something that /proc doesn't show has it open";
    private static final String BLOCK_DEVICES = "/sys/block/";

    private final List<BlockNode> nodes;
    private final List<String> ownPids;

    private DeviceUsers(List<BlockNode> nodes, List<String> ownPids) {
        this.nodes = nodes;
        this.ownPids = ownPids;
    }

    /**
     * One line that names them, of whom one may be seen nowhere: "/dev/loop3p1 is mounted on /mnt". This process and those
     * that it has started aren't counted.
     */
    public static String describe(String disk) {
        try {
            return find(disk, Search.EXPLAINING_MILLIS).describe(UNSEEN);
        } catch (IOException gone) {
            return "it is just going away";
        }
    }

    /**
     * Who uses {@code disk}, if there is such a disk and anybody whom /proc shows, in one line; that not everybody could be
     * looked at counts as one. This process and those that it has started aren't counted.
     *
     * @throws IOException it went away meanwhile
     */
    public static Optional<String> of(String disk) throws IOException {
        if (!Files.exists(Path.of(BLOCK_DEVICES + disk))) {
            return Optional.empty();
        }
        Findings users = find(disk, Search.DECIDING_MILLIS);
        return users.isNobody() ? Optional.empty() : Optional.of(users.describe(UNSEEN));
    }

    /** Whether it is, or may be, mounted, swapped to or part of another device: by errors that doesn't end, as an open descriptor may. */
    public static boolean isMounted(String disk) {
        DeviceUsers users;
        try {
            users = new DeviceUsers(BlockNode.ofDisk(disk), List.of());
        } catch (IOException gone) {
            return false;
        }
        Findings found = Search.run(Search.EXPLAINING_MILLIS, search -> users.look(search, disk, false));
        return !found.isNobody();
    }

    private static Findings find(String disk, int limitMillis) throws IOException {
        List<String> own = new ArrayList<>();
        own.add(Long.toString(ProcessHandle.current().pid()));
        ProcessHandle.current().children().forEach(child -> own.add(Long.toString(child.pid())));
        DeviceUsers users = new DeviceUsers(BlockNode.ofDisk(disk), own);
        return Search.run(limitMillis, search -> users.look(search, disk, true));
    }

    private void look(Search search, String disk, boolean atDescriptors) {
        lookAtHolders(search, disk);
        search.eachSwap(path -> {
            for (BlockNode node : nodes) {
                if (path.equals(node.path())) {
                    search.add(node.path() + " is swap space");
                }
            }
        });
        // Our own first: others may see the same mounts by other paths.
        Set<String> namespaces = new HashSet<>(List.of(SmallFile.readLink("/proc/self/ns/mnt")));
        lookAtMounts(search, search.self());
        search.eachProcess(process -> {
            if (namespaces.add(process.link("ns/mnt"))) {
                lookAtMounts(search, process);
            }
            if (atDescriptors && !ownPids.contains(process.pid())) {
                lookAtDescriptors(search, process);
            }
        });
    }

    private void lookAtHolders(Search search, String disk) {
        for (BlockNode node : nodes) {
            String within = BLOCK_DEVICES + disk + "/" + node.name();
            // A partition of a dm device is in no folder of the disk.
            String folder = Files.exists(Path.of(within)) ? within : BLOCK_DEVICES + node.name();
            search.eachEntry(folder + "/holders", name -> {
                if (nodes.stream().noneMatch(other -> other.name().equals(name))) {
                    search.add(node.path() + " is part of " + name);
                }
            });
        }
    }

    /** proc_pid_mountinfo(5): the third field is the device, the fifth where it is mounted. */
    private void lookAtMounts(Search search, ProcessFolder process) {
        process.eachLine("mountinfo", line -> {
            String[] fields = line.split(" ");
            int separator = List.of(fields).indexOf("-");
            String source = separator >= 0 && separator + 2 < fields.length ? fields[separator + 2] : "";
            for (BlockNode node : nodes) {
                // btrfs shows a device number of its own there.
                if (fields[2].equals(node.number()) || source.equals(node.path())) {
                    search.add(node.path() + " is mounted on " + Lines.unescaped(fields[4]));
                }
            }
            return true;
        });
    }

    private void lookAtDescriptors(Search search, ProcessFolder process) {
        process.eachDescriptor((number, path) -> {
            @Nullable KnownFile file = path.startsWith("/dev/") ? process.descriptor(number) : null;
            for (BlockNode node : nodes) {
                if (file != null && file.isBlockNodeOf(new DeviceNumber(node.major(), node.minor()))) {
                    search.add(process.describe() + " has " + node.path() + " open");
                }
            }
        });
    }
}
