package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Path;
import org.vnd.lab.Command;
import org.vnd.lab.ListedFlags;

/** What an attached image bears, seen with the programs that everybody has. */
final class Marks {
    private Marks() {}

    static boolean isImmutable(Path image) {
        return ListedFlags.isImmutable(image);
    }

    /** No flag, no attribute, no lock: the file as if it had never been a disk. */
    static void assertNone(Path image) {
        assertFalse(isImmutable(image), "still immutable: " + image);
        assertEquals("", Command.output("getfattr", "-m", "-", image), "attributes");
        new Command("flock", "-n", image, "true").run().succeeded();
    }
}
