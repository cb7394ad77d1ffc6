package org.vnd.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Nodes in a /dev that nobody keeps, as a container's, whose disk and its list of names are gone: under the kernel's name for a
 * partition, or a disk of ublk, a number that isn't that one's. The number is another disk's, or will be.
 */
public final class StaleNodes {
    private static final Path NODES = Path.of("/dev");

    /** Those that serve a disk of ours, as the kernel calls them. */
    private static final List<String> DISKS = List.of("loop", "nbd", "ublkb");

    /** Those among them whose own numbers are given out as partitions' are. */
    private static final String UBLK = "ublkb";

    private StaleNodes() {}

    /**
     * Removes them.
     *
     * @throws IOException one can't be removed
     */
    public static void remove() throws IOException {
        List<String> names = numbered();
        // In a devtmpfs the kernel does that, and would not make a node again. Without /sys nothing can be told.
        if (names.isEmpty() || DeviceNames.isOfKernel() || !Files.exists(BlockNode.DEVICES)) {
            return;
        }
        for (String name : names) {
            // Looked at twice: a table that is read anew gives new numbers, and whoever has the disk mends its nodes.
            boolean stale = isStale(name);
            if (stale && isStale(name)) {
                Files.deleteIfExists(NODES.resolve(name));
            }
        }
    }

    /** By loops, since every command does this, and what a lambda or a pattern loads takes longer. */
    private static List<String> numbered() {
        List<String> numbered = new ArrayList<>();
        String[] names = NODES.toFile().list();
        if (names != null) {
            for (String name : names) {
                int at = name.lastIndexOf('p');
                boolean isPartition = at > 0 && isDisk(name.substring(0, at)) && isNumber(name.substring(at + 1));
                if (isPartition || (name.startsWith(UBLK) && isDisk(name))) {
                    numbered.add(name);
                }
            }
        }
        return numbered;
    }

    private static boolean isDisk(String name) {
        for (String kind : DISKS) {
            if (name.startsWith(kind) && isNumber(name.substring(kind.length()))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isNumber(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private static boolean isStale(String name) throws IOException {
        Path node = NODES.resolve(name);
        if (!Files.exists(node, LinkOption.NOFOLLOW_LINKS) || !BlockNode.isBlockNode(node, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        return !BlockNode.content(name, "dev")
                .equals(BlockNode.numberOf(node, LinkOption.NOFOLLOW_LINKS).toString());
    }
}
