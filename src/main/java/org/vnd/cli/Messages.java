package org.vnd.cli;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.vnd.control.PrintableText;

/** What the program says. UTF-8 whatever the locale: so are the names that come from records, and JSON must be. */
final class Messages {
    private Messages() {}

    /** Prints {@code text}, with its newlines, on standard output. Throws if nobody reads it. */
    static void out(String text) throws ProgramException {
        write(System.out, text);
        if (System.out.checkError()) {
            throw new ProgramException("standard output: write error");
        }
    }

    /** Prints {@code vndconfig: }, {@code line} and a newline on standard error. */
    static void warn(String line) {
        write(System.err, "vndconfig: " + PrintableText.of(line) + "\n");
    }

    /** Prints {@code text}, with its newlines and control characters, on standard error. */
    static void err(String text) {
        write(System.err, text);
    }

    private static void write(PrintStream stream, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        stream.write(bytes, 0, bytes.length);
        stream.flush();
    }
}
