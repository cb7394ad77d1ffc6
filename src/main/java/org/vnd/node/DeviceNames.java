package org.vnd.node;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * The names of a unit's block device and its partitions, {@code vnd0} and {@code vnd0p1}: links to the nodes in /dev, and
 * those nodes where nobody else makes them, as in a container whose /dev is no devtmpfs. There the number in a node may be
 * another disk's partition tomorrow, so each look compares every one with /sys.
 *
 * <p>What remains: a table that is read anew gets its partitions new numbers at once, and {@link #refresh} hears of it
 * when whoever did that closes the disk. For that moment a node that was made here has an old number. Where the kernel makes
 * the nodes, there is no such moment.
 */
public final class DeviceNames {
    private static final Path NODES = Path.of("/dev");
    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
    private static final Set<PosixFilePermission> FOR_ALL_TO_SEE = PosixFilePermissions.fromString("rwxr-xr-x");

    /** A table may be read again while its partitions are looked at, but hardly so often. */
    private static final int LOOKS = 8;

    /** The kernel shows a number in /sys before it makes the node in a devtmpfs. */
    private static final int NODE_ATTEMPTS = 200;

    private static final long NODE_POLL_NANOS = 1_000_000;

    private final Path folder;
    private final String unit;
    private final Path links;
    private @Nullable BlockNode disk;
    /** Nothing is made. */
    private boolean withdrawn;

    private boolean removed;

    /** Those of the unit whose folder this is; there may be some that an earlier disk has left. */
    public DeviceNames(Path unitFolder) {
        this.folder = unitFolder;
        this.unit = unitFolder.getFileName().toString();
        this.links = NameList.links(unitFolder);
    }

    /** Where the names are written down. */
    public Path list() {
        return NameList.file(folder);
    }

    /** What users call the disk, if that leads to it now. */
    public Optional<String> path() throws IOException {
        String path = links.resolve(unit).toString();
        return NameList.leads(folder, path) ? Optional.of(path) : Optional.empty();
    }

    /** From now on names are for {@code disk}, as it is at this moment. */
    public synchronized void use(BlockNode disk) throws IOException {
        List<MadeName> names = read();
        names.removeIf(name -> name.kind() == MadeName.Kind.DISK);
        // vnd-loop made it when the device wasn't set up yet.
        names.replaceAll(name -> name.path().equals(disk.path()) ? MadeName.node(disk) : name);
        names.add(0, MadeName.disk(disk));
        write(names);
        this.disk = disk;
    }

    /**
     * Makes the names that are missing, mends those that lead elsewhere and removes those of partitions that are gone.
     * Called when any of that may be. Nothing is made while the names are withdrawn.
     *
     * @throws IOException of the first name that can't be had, because something is in the way for one; the others are there
     */
    public synchronized void refresh() throws IOException {
        BlockNode expected = disk;
        if (withdrawn || expected == null) {
            return;
        }
        NameList.Failures failures = new NameList.Failures();
        Set<BlockNode> seen = Set.of();
        for (int look = 0; look < LOOKS; look++) {
            Set<BlockNode> now = nodes(expected);
            if (look > 0 && now.equals(seen)) {
                break;
            }
            failures = settle(now);
            seen = now;
        }
        if (seen.isEmpty()) {
            throw new IOException(expected.path() + " isn't its device any more");
        }
        failures.throwFirst();
    }

    /** None if the disk is gone, whoever has its name now. */
    private static Set<BlockNode> nodes(BlockNode disk) throws IOException {
        Set<BlockNode> nodes = disk.isThere() ? new HashSet<>(BlockNode.ofDisk(disk.name())) : Set.of();
        return nodes.contains(disk) ? nodes : Set.of();
    }

    private NameList.Failures settle(Set<BlockNode> nodes) throws IOException {
        NameList.Failures failures = new NameList.Failures();
        Set<MadeName> wanted = new HashSet<>();
        for (BlockNode node : nodes) {
            wanted.add(MadeName.node(node));
            wanted.add(MadeName.link(link(node), node));
        }
        List<MadeName> names = read();
        List<MadeName> kept = removeAllBut(wanted, failures);
        if (!kept.equals(names)) {
            tryToWrite(kept);
        }
        for (BlockNode node : nodes) {
            try {
                makeNode(node);
                makeLink(node);
            } catch (IOException e) {
                failures.add(e);
                MadeName.link(link(node), node).remove();
            }
        }
        return failures;
    }

    private Path link(BlockNode node) {
        return links.resolve(unit + node.suffix());
    }

    /** Of the names that stay the list is rewritten by the caller. */
    private List<MadeName> removeAllBut(Set<MadeName> wanted, NameList.Failures failures) throws IOException {
        List<MadeName> kept = new ArrayList<>();
        Set<Path> wantedLinks = new HashSet<>();
        for (MadeName name : wanted) {
            wantedLinks.add(Path.of(name.path()));
        }
        for (MadeName name : read()) {
            try {
                if (name.kind() != MadeName.Kind.DISK && !wanted.contains(name)) {
                    name.remove();
                    continue;
                }
            } catch (IOException e) {
                failures.add(e);
            }
            kept.add(name);
        }
        for (Path link : NameList.links(links, unit)) {
            if (!wantedLinks.contains(link)) {
                NameList.removeUnlisted(link);
            }
        }
        return kept;
    }

    /**
     * Makes the node of {@code node} in /dev if it is missing or has another number.
     *
     * @throws IOException it can't be had; something else is in the way, for one
     */
    public synchronized void makeNode(BlockNode node) throws IOException {
        Path path = Path.of(node.path());
        awaitKernel(node);
        if (node.hasNode()) {
            adopt(node);
            return;
        }
        if (!node.isThere()) {
            return;
        }
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && !BlockNode.isBlockNode(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(path + " is in the way: it is no block device; move it away");
        }
        note(MadeName.node(node));
        // First: what has this number now may be another's disk.
        Files.deleteIfExists(path);
        int made = FileCalls.makeBlockNode(path.toString(), node.major(), node.minor());
        if (made == -Errno.EEXIST && node.hasNode()) {
            // Somebody else's, who was quicker.
            forget(MadeName.node(node));
        } else if (made != 0) {
            forget(MadeName.node(node));
            throw new SysException("make the node", path.toString(), -made);
        } else if (!node.suffix().isEmpty()) {
            copyOwner(Path.of(disk == null ? node.path() : disk.path()), path);
        }
    }

    /**
     * A partition's node that was there before, and is right by chance: a disk that is gone has left it, and after this one
     * nobody would know of it.
     */
    private void adopt(BlockNode node) throws IOException {
        if (!node.suffix().isEmpty() && !read().contains(MadeName.node(node)) && !isOfKernel()) {
            note(MadeName.node(node));
        }
    }

    /** Where the kernel makes nodes, it is given the time: it would not remove one of ours. */
    private static void awaitKernel(BlockNode node) throws IOException {
        for (int attempt = 0; attempt < NODE_ATTEMPTS; attempt++) {
            if (node.hasNode() || !isOfKernel() || !node.isThere()) {
                return;
            }
            LockSupport.parkNanos(NODE_POLL_NANOS);
        }
    }

    /** By its own device: below a /dev that is seen there may be another, and a chroot sees neither's mount. */
    static boolean isOfKernel() throws IOException {
        String number = " " + DeviceNumber.unpack((Long) Files.getAttribute(NODES, "unix:dev")) + " ";
        for (String mount : Files.readAllLines(MOUNTS)) {
            if (mount.contains(number) && mount.contains(" - devtmpfs ")) {
                return true;
            }
        }
        return false;
    }

    /**
     * That the disk's name isn't another's, as where a container with a /run of its own has the host's /dev.
     *
     * @throws IOException it is, with the line for the user
     */
    public void requireFree() throws IOException {
        requireFree(links.resolve(unit));
    }

    private static void requireFree(Path link) throws IOException {
        if (Files.isSymbolicLink(link) && BlockNode.leadsToDisk(link)) {
            throw new IOException(link + " leads to another disk (" + Files.readSymbolicLink(link)
                    + "), of another system that shares this /dev: take another unit");
        }
    }

    /** Who may use the disk may use its partitions. */
    private static void copyOwner(Path from, Path to) throws IOException {
        Files.setAttribute(to, "unix:uid", Files.getAttribute(from, "unix:uid"));
        Files.setAttribute(to, "unix:gid", Files.getAttribute(from, "unix:gid"));
        Files.setPosixFilePermissions(to, Files.getPosixFilePermissions(from));
    }

    private void makeLink(BlockNode node) throws IOException {
        Path link = link(node);
        MadeName name = MadeName.link(link, node);
        if (links.equals(NameList.SYSTEM_LINKS)) {
            Files.createDirectories(links);
            if (!Files.getPosixFilePermissions(links).equals(FOR_ALL_TO_SEE)) {
                Files.setPosixFilePermissions(links, FOR_ALL_TO_SEE);
            }
        }
        if (!name.isThere()) {
            requireFree(link);
        }
        note(name);
        if (name.isThere()) {
            return;
        }
        try {
            if (Files.isSymbolicLink(link)) {
                Files.deleteIfExists(link);
            }
            Files.createSymbolicLink(link, Path.of(node.path()));
            NameList.removeRivals(link);
        } catch (FileAlreadyExistsException inTheWay) {
            forget(name);
            // Somebody was quicker.
            requireFree(link);
            throw new IOException(link + " is in the way: it is no link; move it away", inTheWay);
        }
    }

    /** Removes the node of the device of the kernel's {@code name}, if it was made here. */
    public synchronized void removeNode(String name) throws IOException {
        for (MadeName made : read()) {
            if (made.kind() == MadeName.Kind.NODE && made.path().equals("/dev/" + name)) {
                made.remove();
                forget(made);
            }
        }
    }

    /**
     * Removes the links, and the nodes of partitions, before the kernel may give to others what they lead to; the disk's own
     * node is needed to take it away, and leads to a number that is always that of its name. The list stays as it is: so this
     * needs no space, nor does {@link #restore}.
     */
    public synchronized void withdraw() throws IOException {
        withdrawn = true;
        BlockNode used = disk;
        Set<MadeName> kept = new HashSet<>();
        for (MadeName name : read()) {
            if (name.kind() == MadeName.Kind.NODE
                    && used != null
                    && !name.path().startsWith(used.path() + "p")) {
                kept.add(name);
            }
        }
        NameList.Failures failures = new NameList.Failures();
        removeAllBut(kept, failures);
        failures.throwFirst();
    }

    /** After {@link #withdraw}: the disk stays. */
    public synchronized void restore() throws IOException {
        withdrawn = removed;
        refresh();
    }

    /** Removes all names, for good. */
    public synchronized void remove() throws IOException {
        withdrawn = true;
        removed = true;
        NameList.removeAll(folder);
    }

    private void note(MadeName name) throws IOException {
        List<MadeName> names = read();
        if (!names.contains(name)) {
            names.add(name);
            write(names);
        }
    }

    private void forget(MadeName name) throws IOException {
        List<MadeName> names = read();
        names.remove(name);
        tryToWrite(names);
    }

    /** Fewer than before: one that is listed and isn't there any more does no harm, see {@link MadeName#remove}. */
    private void tryToWrite(List<MadeName> names) {
        try {
            write(names);
        } catch (IOException full) {
            // The next that changes is written with these.
        }
    }

    private List<MadeName> read() throws IOException {
        return NameList.read(folder);
    }

    private void write(List<MadeName> names) throws IOException {
        NameList.write(folder, names);
    }
}
