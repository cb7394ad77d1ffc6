package org.vnd.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the log of a unit says of a daemon that ended without having said why: the end of the log is the last daemon's. */
final class DaemonLog {
    private static final String END = "vnd-keeper: the daemon ";
    private static final String CRASH = "A fatal error has been detected by the Java Runtime Environment";

    private String end = "";
    private String reason = "";
    private boolean crashed;

    private DaemonLog() {}

    /** Reads {@code log}; of one that can't be read nothing is known. */
    static DaemonLog read(Path log) {
        DaemonLog said = new DaemonLog();
        try {
            String text = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
            for (int start = 0, next; start < text.length(); start = next + 1) {
                next = text.indexOf('\n', start);
                next = next < 0 ? text.length() : next;
                said.add(text.substring(start, next));
            }
        } catch (IOException unreadable) {
            return new DaemonLog();
        }
        return said;
    }

    /** How it ended: {@code was killed by SIGKILL}, {@code ended with status 1}; {@code ended} if nobody saw it. */
    String end() {
        return end.isEmpty() ? "ended" : end;
    }

    /** The line that says most about why; empty if there is none. */
    String reason() {
        return reason;
    }

    private void add(String line) {
        if (!end.isEmpty()) {
            // Of an earlier daemon, as was all before it.
            end = "";
            reason = "";
            crashed = false;
        }
        if (line.startsWith(END)) {
            end = line.substring(END.length());
        } else if (line.startsWith("#") && !crashed) {
            // A JVM's report of its own crash, whose first lines name the signal; what follows is for its developers.
            String text = line.substring(1).strip();
            if (!text.isEmpty() && !text.startsWith(CRASH)) {
                reason = text;
                crashed = true;
            }
        } else if (!crashed && !line.isBlank() && !Character.isWhitespace(line.charAt(0))) {
            reason = line.strip();
        }
    }
}
