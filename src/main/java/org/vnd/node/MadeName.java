package org.vnd.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import org.vnd.sys.DeviceNumber;

/**
 * A line of a {@link NameList}: what was made, or is about to be.
 *
 * @param path of the link or node; of the disk, its node
 * @param leadsTo where a link leads; else the number of the device
 * @param mark of the device, see {@link BlockNode#mark}; empty for a link
 */
record MadeName(Kind kind, String path, String leadsTo, String mark) {
    private static final String NODES = "/dev/";

    /** What it is; also the first word of the line. */
    enum Kind {
        /** The disk itself, which the kernel made: the first line. */
        DISK("disk"),
        /** A symbolic link to a node. */
        LINK("link"),
        /** A block device node. */
        NODE("node");

        private final String word;

        Kind(String word) {
            this.word = word;
        }
    }

    static MadeName disk(BlockNode node) {
        return new MadeName(Kind.DISK, node.path(), node.number(), node.mark());
    }

    static MadeName node(BlockNode node) {
        return new MadeName(Kind.NODE, node.path(), node.number(), node.mark());
    }

    static MadeName link(Path path, BlockNode node) {
        return new MadeName(Kind.LINK, path.toString(), node.path(), "");
    }

    /**
     * A line's text without its end; none if it isn't whole, as when whoever wrote it was killed, or tells of what isn't made:
     * a node elsewhere than in /dev, or a link elsewhere than in {@code links}.
     */
    static Optional<MadeName> parse(String line, Path links) {
        String[] fields = line.split("\t", 4);
        for (Kind kind : Kind.values()) {
            if (fields.length == 4 && fields[0].equals(kind.word)) {
                MadeName name = new MadeName(kind, fields[1], fields[2], fields[3]);
                return name.isOurs(links) ? Optional.of(name) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private boolean isOurs(Path links) {
        return kind == Kind.LINK
                ? isIn(path, links + "/") && isIn(leadsTo, NODES)
                : isIn(path, NODES)
                        && isNumber(leadsTo.substring(0, Math.max(0, leadsTo.indexOf(':'))))
                        && isNumber(leadsTo.substring(leadsTo.indexOf(':') + 1));
    }

    private static boolean isIn(String path, String folder) {
        return path.startsWith(folder) && path.length() > folder.length() && path.indexOf('/', folder.length()) < 0;
    }

    private static boolean isNumber(String text) {
        try {
            return Integer.parseInt(text) >= 0;
        } catch (NumberFormatException none) {
            return false;
        }
    }

    String line() {
        return kind.word + "\t" + path + "\t" + leadsTo + "\t" + mark;
    }

    /** The device of a node or disk. */
    BlockNode device() {
        DeviceNumber number = DeviceNumber.parse(leadsTo);
        return new BlockNode(path.substring(path.lastIndexOf('/') + 1), "", number.major(), number.minor(), mark);
    }

    /** Whether it is there as it was made. */
    boolean isThere() throws IOException {
        Path name = Path.of(path);
        switch (kind) {
            case LINK:
                return Files.isSymbolicLink(name)
                        && Files.readSymbolicLink(name).toString().equals(leadsTo);
            case NODE:
                return device().isAt(name, LinkOption.NOFOLLOW_LINKS);
            case DISK:
                return false;
        }
        throw new AssertionError(kind);
    }

    /**
     * Removes it, if it is what was made, and not what leads to another's disk rightly by now. Between the look and the
     * removal another may put his own in its place: no call removes a name only if it is a certain one.
     */
    void remove() throws IOException {
        if (isThere() && !(kind == Kind.NODE && device().isAnothers())) {
            Files.deleteIfExists(Path.of(path));
        }
    }
}
