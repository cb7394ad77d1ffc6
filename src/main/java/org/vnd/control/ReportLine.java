package org.vnd.control;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One line on the way from a starting daemon to the one who waits for it.
 *
 * @param kind what the line is
 * @param doneUnits of {@code PROGRESS}: how much is done
 * @param totalUnits of {@code PROGRESS}: of how much
 * @param text what is in progress, the note, the warning, the error, why the unit can't be used, the unit's name, or what to say of a disk that is ready
 */
public record ReportLine(Kind kind, long doneUnits, long totalUnits, String text) {
    /** The longest line, its newline included. */
    public static final int MAX_BYTES = 8192;

    /** What a line is. */
    public enum Kind {
        /** The keeper took a unit, whose name follows. */
        UNIT,
        /** How far a long step is. */
        PROGRESS,
        /** Something the user may want to know. */
        NOTE,
        /** Something the user has to know, although there will be a disk. */
        WARNING,
        /** Why there is no disk. The last line. */
        ERROR,
        /** Why the unit can't be used: what its last disk has left has to stay. Another unit can. The last line. */
        STAYS,
        /** Requests are answered. The last line. */
        READY
    }

    /** Reads a line without its newline. What isn't known is a note: the daemon may be of a later version. */
    public static ReportLine parse(String line) {
        int space = line.indexOf(' ');
        String word = space < 0 ? line : line.substring(0, space);
        String rest = space < 0 ? "" : line.substring(space + 1);
        switch (word) {
            case "unit":
                return new ReportLine(Kind.UNIT, 0, 0, rest);
            case "note":
                return new ReportLine(Kind.NOTE, 0, 0, rest);
            case "warning":
                return new ReportLine(Kind.WARNING, 0, 0, rest);
            case "error":
                return new ReportLine(Kind.ERROR, 0, 0, rest);
            case "stays":
                return new ReportLine(Kind.STAYS, 0, 0, rest);
            case "ready":
                return new ReportLine(Kind.READY, 0, 0, rest);
            case "progress":
                return progress(line, rest);
            default:
                return new ReportLine(Kind.NOTE, 0, 0, line);
        }
    }

    private static ReportLine progress(String line, String rest) {
        try {
            int first = rest.indexOf(' ');
            int second = rest.indexOf(' ', first + 1);
            long done = Long.parseLong(rest.substring(0, first));
            long total = Long.parseLong(rest.substring(first + 1, second));
            return new ReportLine(Kind.PROGRESS, done, total, rest.substring(second + 1));
        } catch (NumberFormatException | IndexOutOfBoundsException malformed) {
            return new ReportLine(Kind.NOTE, 0, 0, line);
        }
    }

    /** {@code line} and its newline in UTF-8, cut off where the other side would not take it. */
    static byte[] bytes(String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_BYTES) {
            bytes = Arrays.copyOf(bytes, MAX_BYTES);
            bytes[MAX_BYTES - 1] = '\n';
        }
        return bytes;
    }

    /** The line as it goes over the wire, without its newline. */
    @Override
    public String toString() {
        String printable = PrintableText.of(text);
        switch (kind) {
            case UNIT:
                return "unit " + printable;
            case PROGRESS:
                return "progress " + doneUnits + " " + totalUnits + " " + printable;
            case NOTE:
                return "note " + printable;
            case WARNING:
                return "warning " + printable;
            case ERROR:
                return "error " + printable;
            case STAYS:
                return "stays " + printable;
            case READY:
                return printable.isEmpty() ? "ready" : "ready " + printable;
        }
        throw new AssertionError(kind);
    }
}
