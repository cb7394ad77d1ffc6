package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.vnd.control.AttachOptions;
import org.vnd.export.ublk.UblkControl;

/**
 * A device that the kernel keeps although the daemon that served it was killed. The unit's folder names it as long as it is
 * there, so that it is removed when the disk is recovered: its kind, its number and the process that had it.
 */
final class Leftover {
    private static final String NAME = "device";

    private Leftover() {}

    /** Names a device of this process, before others can see it. */
    static void note(Path unitDirectory, String export, int number) throws IOException {
        long pid = ProcessHandle.current().pid();
        Files.writeString(unitDirectory.resolve(NAME), export + " " + number + " " + pid);
    }

    /** It is gone. */
    static void forget(Path unitDirectory) throws IOException {
        Files.deleteIfExists(unitDirectory.resolve(NAME));
    }

    /** Removes the device that is named there, if it is one that outlived its process. */
    static void remove(Path unitDirectory) throws IOException {
        String[] words;
        try {
            words = Files.readString(unitDirectory.resolve(NAME)).split(" ");
        } catch (NoSuchFileException none) {
            return;
        }
        if (words.length == 3 && words[0].equals(AttachOptions.UBLK)) {
            UblkControl.removeDead(Integer.parseInt(words[1]), Long.parseLong(words[2]));
        }
        forget(unitDirectory);
    }
}
