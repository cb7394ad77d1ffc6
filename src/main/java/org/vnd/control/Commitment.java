package org.vnd.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file in a unit's folder which says that nobody has taken the disk yet. The one who asked for it removes the file when he
 * has told its name, and the daemon when it finds him gone: whoever removes it has decided, and there is a disk or none.
 */
public final class Commitment {
    private static final String NAME = "uncommitted";

    private Commitment() {}

    /** From now on it can be decided. */
    public static void open(Path unitFolder) throws IOException {
        Files.write(unitFolder.resolve(NAME), new byte[0]);
    }

    /** Whether the caller has decided; false if the other side has. */
    public static boolean decide(Path unitFolder) throws IOException {
        return Files.deleteIfExists(unitFolder.resolve(NAME));
    }
}
