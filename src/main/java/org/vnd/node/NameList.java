package org.vnd.node;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The file {@code names} in a unit's folder: the disk's names that were made, or are just being made, so that whoever cleans
 * up finds them. By one writer at a time: the daemon, or vnd-loop while the daemon waits for it.
 */
public final class NameList {
    private static final String FILE = "names";
    private static final String UNIT = "vnd";
    private static final Path SYSTEM_STATE = Path.of("/run/vnd");

    /** Where the links of the system's disks are. */
    public static final Path SYSTEM_LINKS = Path.of("/dev/vnd");

    private NameList() {}

    static Path file(Path unitFolder) {
        return unitFolder.resolve(FILE);
    }

    /** The folder of the links of a unit with this folder: those of the system's disks are for everybody to see. */
    static Path links(Path unitFolder) {
        return SYSTEM_STATE.equals(unitFolder.getParent()) ? SYSTEM_LINKS : unitFolder;
    }

    /** Whether the disks of the state folder {@code state} have their names in {@link #SYSTEM_LINKS}. */
    public static boolean isOfSystem(Path state) {
        return SYSTEM_STATE.equals(state);
    }

    /** Whether there may be names that somebody has made and not removed. */
    public static boolean isThere(Path unitFolder) {
        return file(unitFolder).toFile().exists();
    }

    static List<MadeName> read(Path unitFolder) throws IOException {
        List<MadeName> names = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file(unitFolder))) {
                Optional<MadeName> name = MadeName.parse(line, links(unitFolder));
                if (name.isPresent()) {
                    names.add(name.get());
                }
            }
        } catch (NoSuchFileException | NotDirectoryException none) {
            return names;
        }
        return names;
    }

    /** Replaces the list in one step. */
    static void write(Path unitFolder, List<MadeName> names) throws IOException {
        if (names.isEmpty()) {
            Files.deleteIfExists(file(unitFolder));
            return;
        }
        StringBuilder text = new StringBuilder();
        for (MadeName name : names) {
            text.append(name.line()).append('\n');
        }
        Path temporary = unitFolder.resolve(FILE + ".tmp");
        Files.write(temporary, text.toString().getBytes(StandardCharsets.UTF_8));
        Files.move(temporary, file(unitFolder), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /**
     * Whether {@code link} is a name of the unit's disk, made by its daemon, and leads to that disk now. A daemon of an
     * earlier version has written no list: then it is enough that there is something.
     */
    public static boolean leads(Path unitFolder, String link) throws IOException {
        List<MadeName> names = read(unitFolder);
        if (names.isEmpty()) {
            return Files.exists(Path.of(link));
        }
        MadeName disk = names.get(0);
        if (disk.kind() != MadeName.Kind.DISK) {
            return false;
        }
        boolean made = false;
        for (MadeName name : names) {
            made |= name.kind() == MadeName.Kind.LINK
                    && name.path().equals(link)
                    && name.leadsTo().equals(disk.path())
                    && name.isThere();
        }
        return made && disk.device().hasNode() && disk.device().isThere();
    }

    /**
     * Removes all that is listed, and every link of the unit that isn't and leads to no disk. Not while its daemon lives. A disk
     * that is still there stays listed.
     *
     * @throws IOException of the first that couldn't be removed; the others are
     */
    public static void removeAll(Path unitFolder) throws IOException {
        Failures failures = new Failures();
        List<MadeName> left = new ArrayList<>();
        for (MadeName name : read(unitFolder)) {
            try {
                name.remove();
                if (isDiskThere(name)) {
                    left.add(name);
                }
            } catch (IOException e) {
                failures.add(e);
                left.add(name);
            }
        }
        try {
            write(unitFolder, left);
        } catch (IOException full) {
            // What is listed and gone does no harm.
        }
        for (Path folder : List.of(unitFolder, links(unitFolder))) {
            for (Path link : links(folder, unitFolder.getFileName().toString())) {
                try {
                    removeUnlisted(link);
                } catch (IOException e) {
                    failures.add(e);
                }
            }
        }
        failures.throwFirst();
    }

    /**
     * The unit's disk, such as {@code /dev/loop3}, if the kernel serves it by itself, and so goes on after its daemon's end for as
     * long as somebody uses it. None of a daemon of an earlier version, which has written no list.
     */
    public static Optional<String> served(Path unitFolder) throws IOException {
        for (MadeName name : read(unitFolder)) {
            if (isServed(name)) {
                return Optional.of(name.path());
            }
        }
        return Optional.empty();
    }

    /** The unit's disk if it is still there after its daemon's end, because somebody uses it, and answers with errors only. */
    public static Optional<String> dead(Path unitFolder) throws IOException {
        for (MadeName name : read(unitFolder)) {
            if (isDiskThere(name) && !isServed(name)) {
                return Optional.of(name.path());
            }
        }
        return Optional.empty();
    }

    private static boolean isDiskThere(MadeName name) throws IOException {
        return name.kind() == MadeName.Kind.DISK && name.device().isThere();
    }

    private static boolean isServed(MadeName name) throws IOException {
        return isDiskThere(name) && Origin.isServedByKernel(name.device().name());
    }

    /**
     * Removes what is listed of a disk that isn't there any more, as when all were stopped or killed who had to. While its
     * daemon lives, and may be about to do so.
     */
    public static void removeLost(Path unitFolder) throws IOException {
        List<MadeName> names = read(unitFolder);
        if (names.isEmpty()
                || names.get(0).kind() != MadeName.Kind.DISK
                || names.get(0).device().isThere()
                || !read(unitFolder).equals(names)) {
            return;
        }
        for (MadeName name : names) {
            name.remove();
        }
    }

    /**
     * Removes {@code link}, which is no name of ours, unless it leads to a disk that a vnd may have made: then it is another
     * system's, as where a container with a /run of its own has the host's /dev.
     */
    static void removeUnlisted(Path link) throws IOException {
        if (!BlockNode.leadsToDisk(link) || Origin.isElsewhere(link)) {
            Files.deleteIfExists(link);
        }
    }

    /**
     * Removes the other units' links that lead to where {@code link} does, which is a disk's name: theirs are from another time,
     * and nobody knows of them whose state folder is gone.
     */
    static void removeRivals(Path link) throws IOException {
        Path folder = link.toAbsolutePath().getParent();
        String[] names = folder == null ? null : folder.toFile().list();
        if (folder == null || names == null) {
            return;
        }
        Path node = Files.readSymbolicLink(link);
        for (String name : names) {
            Path other = folder.resolve(name);
            try {
                if (isNameOfSome(name)
                        && !other.equals(link)
                        && Files.isSymbolicLink(other)
                        && Files.readSymbolicLink(other).equals(node)) {
                    Files.deleteIfExists(other);
                }
            } catch (NoSuchFileException gone) {
                // Its own daemon has removed it at this moment.
            }
        }
    }

    private static boolean isNameOfSome(String name) {
        int end = UNIT.length();
        while (end < name.length() && name.charAt(end) >= '0' && name.charAt(end) <= '9') {
            end++;
        }
        return name.startsWith(UNIT) && end > UNIT.length() && isNameOf(name.substring(0, end), name);
    }

    /** The symbolic links in {@code folder} with names of {@code unit}: {@code vnd0}, {@code vnd0p1}. */
    static List<Path> links(Path folder, String unit) {
        List<Path> links = new ArrayList<>();
        String[] names = folder.toFile().list();
        if (names != null) {
            for (String name : names) {
                if (isNameOf(unit, name) && Files.isSymbolicLink(folder.resolve(name))) {
                    links.add(folder.resolve(name));
                }
            }
        }
        return links;
    }

    private static boolean isNameOf(String unit, String name) {
        if (!name.startsWith(unit) || (name.length() > unit.length() && name.charAt(unit.length()) != 'p')) {
            return false;
        }
        for (int i = unit.length() + 1; i < name.length(); i++) {
            if (name.charAt(i) < '0' || name.charAt(i) > '9') {
                return false;
            }
        }
        return true;
    }

    /** Keeps the first of what has failed. */
    static final class Failures {
        private Optional<IOException> first = Optional.empty();

        void add(IOException failure) {
            if (first.isEmpty()) {
                first = Optional.of(failure);
            }
        }

        void throwFirst() throws IOException {
            if (first.isPresent()) {
                throw first.get();
            }
        }
    }
}
