package org.vnd.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Nodes of partitions in a /dev that nobody keeps, as a container's, whose disk and its list of names are gone: under the
 * kernel's name for a partition, a number that isn't that partition's. The number is another disk's, or will be.
 */
public final class StaleNodes {
    private static final Path NODES = Path.of("/dev");
    private static final Pattern PARTITION = Pattern.compile("(loop|nbd|ublkb)\\d+p\\d+");

    private StaleNodes() {}

    /**
     * Removes them.
     *
     * @throws IOException one can't be removed
     */
    public static void remove() throws IOException {
        String[] names =
                NODES.toFile().list((folder, name) -> PARTITION.matcher(name).matches());
        // In a devtmpfs the kernel does that, and would not make a node again. Without /sys nothing can be told.
        if (names == null || names.length == 0 || DeviceNames.isOfKernel() || !Files.exists(BlockNode.DEVICES)) {
            return;
        }
        for (String name : names) {
            // Looked at again: a table that is read anew gives its partitions new numbers, and whoever has the disk
            // mends that.
            boolean stale = isStale(name);
            if (stale && isStale(name)) {
                Files.deleteIfExists(NODES.resolve(name));
            }
        }
    }

    private static boolean isStale(String name) throws IOException {
        Path node = NODES.resolve(name);
        if (!Files.exists(node, LinkOption.NOFOLLOW_LINKS) || !BlockNode.isBlockNode(node, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        long number = (Long) Files.getAttribute(node, "unix:rdev", LinkOption.NOFOLLOW_LINKS);
        return !BlockNode.content(name, "dev").equals(BlockNode.major(number) + ":" + BlockNode.minor(number));
    }
}
