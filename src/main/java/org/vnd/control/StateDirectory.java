package org.vnd.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * The folder in which the disks of one user are known: for each unit a lock file and a folder with its control socket,
 * record and log. The keeper makes and removes them; everybody else reads.
 */
public final class StateDirectory {
    /** {@code sun_path} of unix(7) has 108 bytes, the last one for the terminating NUL. */
    private static final int MAX_SOCKET_PATH_BYTES = 107;

    private final Path path;

    private StateDirectory(Path path) {
        this.path = path;
    }

    /** The folder at {@code path}, which need not exist. Throws if sockets in it could not be named. */
    public static StateDirectory at(Path path) {
        StateDirectory directory = new StateDirectory(path);
        String name = path.toString();
        if (!path.isAbsolute() || !PrintableText.of(name).equals(name)) {
            throw new IllegalArgumentException(
                    PrintableText.of(name) + ": a state folder is an absolute path without control characters");
        }
        String longest = directory.controlSocket(new Unit(Unit.MAX_NUMBER)).toString();
        if (longest.getBytes(StandardCharsets.UTF_8).length > MAX_SOCKET_PATH_BYTES) {
            throw new IllegalArgumentException(name + ": the path of the state folder is too long for a Unix socket");
        }
        return directory;
    }

    /** The folder of the user who runs this JVM; throws if it can't be used, or if someone else made it. */
    public static StateDirectory ofThisUser() throws IOException {
        int user = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        StateDirectory directory;
        try {
            directory = chosen(environment("VND_STATE"), environment("XDG_RUNTIME_DIR"), user);
        } catch (IllegalArgumentException unusable) {
            throw new IOException(unusable.getMessage(), unusable);
        }
        directory.requireOwner(user);
        return directory;
    }

    /**
     * Where the state is: what {@code VND_STATE} says, else {@code /run/vnd} for root, else {@code vnd} in the user's
     * runtime folder, else {@code /tmp/vnd-UID}. An empty string is a variable that isn't set.
     */
    static StateDirectory chosen(String override, String runtimeDirectory, int user) {
        if (!override.isEmpty()) {
            return at(Path.of(override));
        }
        if (user == 0) {
            return at(Path.of("/run/vnd"));
        }
        return at(runtimeDirectory.isEmpty() ? Path.of("/tmp/vnd-" + user) : Path.of(runtimeDirectory, "vnd"));
    }

    private static String environment(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }

    /** In /tmp anyone may have made the folder first. */
    private void requireOwner(int user) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS) != user) {
            throw new IOException(path + ": the state folder belongs to someone else; set VND_STATE to one of yours");
        }
    }

    /** Absolute. */
    public Path path() {
        return path;
    }

    /** Held by the unit's keeper and daemon; there only while one of them lives, or after both were killed. */
    public Path lockFile(Unit unit) {
        return path.resolve(unit.name() + ".lock");
    }

    /** There from before the daemon starts until it has ended in order. */
    public Path folder(Unit unit) {
        return path.resolve(unit.name());
    }

    /** What the listing shows; see {@link UnitRecord}. */
    public Path record(Unit unit) {
        return folder(unit).resolve("unit.json");
    }

    /** Where the daemon takes requests; see {@link ControlServer}. */
    public Path controlSocket(Unit unit) {
        return folder(unit).resolve("control.sock");
    }

    /** Standard output and standard error of keeper and daemon. */
    public Path log(Unit unit) {
        return folder(unit).resolve("log");
    }

    /** The units that have a folder, in order: those in use, and those that crashed. */
    public List<Unit> units() {
        List<Unit> units = new ArrayList<>();
        String[] names = path.toFile().list();
        if (names != null) {
            for (String name : names) {
                Optional<Unit> unit = Unit.parse(name);
                if (unit.isPresent()) {
                    units.add(unit.get());
                }
            }
        }
        Collections.sort(units);
        return units;
    }
}
