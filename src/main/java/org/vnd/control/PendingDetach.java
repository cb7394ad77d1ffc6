package org.vnd.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file in a unit's folder which says that the disk is told to end, and for whom that waits. */
public final class PendingDetach {
    private static final String NAME = "pending";

    private PendingDetach() {}

    /** It waits for {@code who}, such as {@code /dev/loop0 is mounted on /mnt}. */
    public static void write(Path unitFolder, String who) throws IOException {
        Path temporary = unitFolder.resolve(NAME + ".tmp");
        Files.write(temporary, who.getBytes(StandardCharsets.UTF_8));
        Files.move(
                temporary,
                unitFolder.resolve(NAME),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    /** It isn't told to end, or waits no more. */
    public static void delete(Path unitFolder) throws IOException {
        Files.deleteIfExists(unitFolder.resolve(NAME));
    }

    /** For whom it waits; empty if it isn't told to end. */
    public static String read(Path unitFolder) throws IOException {
        try {
            return new String(Files.readAllBytes(unitFolder.resolve(NAME)), StandardCharsets.UTF_8);
        } catch (NoSuchFileException none) {
            return "";
        }
    }
}
