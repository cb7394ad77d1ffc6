package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.export.BlockNode;

/**
 * The stable names of a unit's block device and its partitions: {@code vnd0}, {@code vnd0p1}.
 *
 * <p>They are symbolic links in the unit's folder, which its keeper removes however the daemon ends: a name must never lead
 * to what the kernel has given the node to since. For the disks of the system, in /run/vnd, links in /dev/vnd lead there.
 */
final class DeviceLinks {
    private static final Path SYSTEM_STATE = Path.of("/run/vnd");
    private static final Path SYSTEM_NAMES = Path.of("/dev/vnd");

    private final Unit unit;
    private final String disk;
    private final Path folder;
    private final boolean ofSystem;
    private boolean removed;

    /** Names for the kernel's {@code disk}, such as {@code loop3}. */
    DeviceLinks(StateDirectory state, Unit unit, String disk) {
        this.unit = unit;
        this.disk = disk;
        this.folder = state.folder(unit);
        this.ofSystem = state.path().equals(SYSTEM_STATE);
    }

    /** What users call the disk. */
    Path path() {
        return (ofSystem ? SYSTEM_NAMES : folder).resolve(unit.name());
    }

    /** Makes the names that are missing and removes those of partitions that are gone. Called when either may have changed. */
    synchronized void refresh() throws IOException {
        if (removed) {
            return;
        }
        if (ofSystem) {
            Files.createDirectories(SYSTEM_NAMES);
        }
        Set<String> wanted = new HashSet<>();
        for (BlockNode node : BlockNode.ofDisk(disk)) {
            node.make();
            String name = unit.name() + node.suffix();
            wanted.add(name);
            link(folder.resolve(name), Path.of(node.path()));
            if (ofSystem) {
                link(SYSTEM_NAMES.resolve(name), folder.resolve(name));
            }
        }
        removeAllBut(wanted);
    }

    /** Removes all names, for good. */
    synchronized void remove() throws IOException {
        removed = true;
        removeAllBut(Set.of());
    }

    private void removeAllBut(Set<String> wanted) throws IOException {
        for (Path place : ofSystem ? List.of(SYSTEM_NAMES, folder) : List.of(folder)) {
            try (DirectoryStream<Path> links = Files.newDirectoryStream(place, unit.name() + "*")) {
                for (Path link : links) {
                    String name = link.getFileName().toString();
                    boolean ours = name.equals(unit.name()) || name.startsWith(unit.name() + "p");
                    if (ours && !wanted.contains(name) && Files.isSymbolicLink(link)) {
                        Files.deleteIfExists(link);
                    }
                }
            }
        }
    }

    private static void link(Path link, Path target) throws IOException {
        try {
            if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
                return;
            }
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, target);
        } catch (FileAlreadyExistsException raced) {
            throw new IOException(link + " is in the way", raced);
        }
    }
}
