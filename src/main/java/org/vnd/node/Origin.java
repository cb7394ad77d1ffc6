package org.vnd.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Who has made a block device, as far as the kernel tells: for names that no state folder lists any more, since it is gone
 * together with the container that had it. A number may be somebody else's disk by then.
 */
final class Origin {
    /** What {@link BlockNode} finds as {@code backend} of an nbd device of ours: the unit's folder and a process. */
    private static final Pattern NBD = Pattern.compile(".*/vnd\\d+ \\d+");

    private static final Pattern DM = Pattern.compile("(part\\d+-)?VND-.*");

    /** The one file of a hidden file system, as the kernel shows it from outside. */
    private static final String FUSE_FILE = "/disk";

    /** In every path of a device node, as the kernel shows it from outside of the /dev that it is in, too. */
    private static final String NODES = "/dev/";

    private Origin() {}

    /** Whether the disk {@code name}, one of ours, is served without its daemon: a dm device, or a loop device on another. */
    static boolean isServedByKernel(String name) throws IOException {
        String backing = BlockNode.content(name, "loop/backing_file");
        return name.startsWith("dm-") || (!backing.isEmpty() && !backing.equals(FUSE_FILE));
    }

    /**
     * Whether the disk or partition that {@code path} leads to is of a disk that certainly no vnd has made, on this system or
     * on another that shares its /dev. Of ublk, that can't be told.
     */
    static boolean isElsewhere(Path path) throws IOException {
        Path device = BlockNode.numberOf(path).folder();
        if (!Files.exists(device)) {
            return false;
        }
        Path real = device.toRealPath();
        int level = real.getNameCount() - (Files.exists(real.resolve("partition")) ? 2 : 1);
        String disk = real.getName(level).toString();
        String backing = BlockNode.content(disk, "loop/backing_file");
        if (!backing.isEmpty()) {
            // Ours are a part of the device below a file system, or of a file that is seen nowhere. To look at the file
            // could
            // mean to wait for whoever serves it.
            boolean isWhole = BlockNode.content(disk, "loop/sizelimit").equals("0");
            return isWhole || (!backing.equals(FUSE_FILE) && !backing.contains(NODES));
        }
        String backend = BlockNode.content(disk, "backend");
        String uuid = BlockNode.content(disk, "dm/uuid");
        return (!backend.isEmpty() && !NBD.matcher(backend).matches())
                || (!uuid.isEmpty() && !DM.matcher(uuid).matches());
    }
}
