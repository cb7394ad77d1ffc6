package org.vnd.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.vnd.control.PrintableText;

/** What the program says. UTF-8 whatever the locale: so are the names that come from records, and JSON must be. */
final class Messages {
    /** What one says where the message of {@link #out} is empty, and yet something has to be said. */
    static final String UNREAD = "standard output: Broken pipe";

    /** Not System.out, which keeps errors to itself. */
    private static final FileOutputStream STANDARD_OUTPUT = new FileOutputStream(FileDescriptor.out);

    private Messages() {}

    /** Prints {@code text}, with its newlines, on standard output. Throws, without a message if nobody reads it. */
    static void out(String text) throws ProgramException {
        try {
            STANDARD_OUTPUT.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException failure) {
            // Other programs are killed by SIGPIPE then, and say nothing either.
            boolean unread = "Broken pipe".equals(failure.getMessage());
            throw new ProgramException(unread ? "" : "standard output: " + failure.getMessage());
        }
    }

    /** Prints {@code vndconfig: }, {@code line} and a newline on standard error. */
    static void warn(String line) {
        err("vndconfig: " + PrintableText.of(line) + "\n");
    }

    /** Prints {@code line}, which is no complaint, and a newline on standard error. */
    static void tell(String line) {
        err(PrintableText.of(line) + "\n");
    }

    /** Prints {@code text}, with its newlines and control characters, on standard error. */
    static void err(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.err.write(bytes, 0, bytes.length);
        System.err.flush();
    }
}
