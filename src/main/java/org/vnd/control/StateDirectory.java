package org.vnd.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.StringTokenizer;

/**
 * The folder in which the disks of one user are known: for each unit a lock file and a folder with its control socket,
 * record and log. The keeper makes and removes them; everybody else reads.
 */
public final class StateDirectory {
    /** {@code sun_path} of unix(7) has 108 bytes, the last one for the terminating NUL. */
    private static final int MAX_SOCKET_PATH_BYTES = 107;

    private static final Path SYSTEM = Path.of("/run/vnd");

    /** Of a file in a unit's folder. */
    public static final String RECORD = "unit.json";

    /** How many users the first user namespace has: every one but -1. */
    private static final String ALL_USERS = "4294967295";

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
        String override = environment("VND_STATE");
        StateDirectory directory;
        try {
            directory = user == 0 && override.isEmpty() && !isOurs(SYSTEM)
                    ? ofNamespace(Files.readAllLines(Path.of("/proc/self/uid_map")))
                    : chosen(override, environment("XDG_RUNTIME_DIR"), user);
        } catch (IllegalArgumentException unusable) {
            throw new IOException(unusable.getMessage(), unusable);
        }
        directory.requireUsable(user);
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
        return user == 0 ? at(SYSTEM) : ofUser(runtimeDirectory, Integer.toString(user));
    }

    private static StateDirectory ofUser(String runtimeDirectory, String user) {
        return at(runtimeDirectory.isEmpty() ? Path.of("/tmp/vnd-" + user) : Path.of(runtimeDirectory, "vnd"));
    }

    /** Whether root has the folder, or could make it. */
    private static boolean isOurs(Path folder) {
        try {
            return (Integer) Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS) == 0;
        } catch (IOException none) {
            return Files.isWritable(folder.resolveSibling("."));
        }
    }

    /**
     * Where it is for root of a user namespace, user_namespaces(7), who isn't root outside, where /run belongs: at the place
     * that the user outside has, whose files these are.
     *
     * @param map lines of proc_pid_uid_map(5): a user here, the same one outside, and for how many users on that goes
     */
    private static StateDirectory ofNamespace(List<String> map) {
        String runtime = environment("XDG_RUNTIME_DIR");
        for (String line : map) {
            StringTokenizer fields = new StringTokenizer(line);
            boolean ofRoot = fields.nextToken().equals("0");
            String outside = fields.nextToken();
            boolean everybody = fields.nextToken().equals(ALL_USERS);
            if (ofRoot && !everybody) {
                return ofUser(Files.isWritable(Path.of(runtime)) ? runtime : "", outside);
            }
        }
        return at(SYSTEM);
    }

    private static String environment(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }

    /** In /tmp anyone may have made the folder first. */
    private void requireUsable(int user) throws StateException {
        String why;
        try {
            if ((Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS) != user) {
                why = "belongs to someone else";
            } else if (!Files.isDirectory(path)) {
                why = "isn't a folder";
            } else if (((Integer) Files.getAttribute(path, "unix:mode") & 022) != 0) {
                why = "can be written to by others";
            } else if (!Files.isReadable(path) || !Files.isExecutable(path)) {
                why = "can't be read";
            } else {
                return;
            }
        } catch (NoSuchFileException none) {
            Path parent = path.getParent();
            if (parent == null || !Files.exists(parent) || Files.isDirectory(parent)) {
                return;
            }
            why = "can't be: " + parent + " isn't a folder";
        } catch (IOException hidden) {
            why = "can't be looked at (" + Reason.of(hidden) + ")";
        }
        throw new StateException(path, "the state folder " + why + "; set VND_STATE to one of yours");
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
        return folder(unit).resolve(RECORD);
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
