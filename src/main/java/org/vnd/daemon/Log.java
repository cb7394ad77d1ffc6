package org.vnd.daemon;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.vnd.control.PrintableText;

/** Lines for the unit's log: standard error, which the keeper has redirected. Never on the disk's own data path. */
final class Log {
    private Log() {}

    static void line(String text) {
        System.err.println(Instant.now().truncatedTo(ChronoUnit.MILLIS) + " " + PrintableText.of(text));
    }
}
