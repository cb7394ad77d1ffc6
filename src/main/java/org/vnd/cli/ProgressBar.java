package org.vnd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.control.PrintableText;
import org.vnd.control.ReportLine;

/** Shows how far a long step is, on standard error if that is a terminal. */
final class ProgressBar {
    private static final int WIDTH = 40;
    /** Back to the start of the line, and clear it (ECMA-48 EL). */
    private static final String CLEAR = "\r\u001b[K";

    private final boolean terminal = isTerminal();
    private boolean shown;

    void show(ReportLine progress) {
        if (!terminal || progress.totalUnits() <= 0) {
            return;
        }
        double part = Math.min(1.0, Math.max(0.0, (double) progress.doneUnits() / progress.totalUnits()));
        int full = (int) (part * WIDTH);
        StringBuilder line = new StringBuilder(CLEAR).append('[');
        for (int i = 0; i < WIDTH; i++) {
            line.append(i < full ? '#' : '.');
        }
        int percent = (int) (part * 100);
        line.append("] ").append(percent).append("% ").append(PrintableText.of(progress.text()));
        Messages.err(line.toString());
        shown = true;
    }

    /** Takes the bar away; whatever is printed next begins its own line. */
    void clear() {
        if (shown) {
            Messages.err(CLEAR);
            shown = false;
        }
    }

    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException unknown) {
            return false;
        }
    }
}
