package org.vnd.proc;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;

/** A file of /proc line by line, however many others have seen to: of no more than one line is anything kept. */
public final class Lines {
    /** A path is 4096 bytes, and each of its bytes may be written as four. */
    private static final int LINE_LIMIT_BYTES = 20 * 1024;

    private static final int CHUNK_BYTES = 4096;

    private Lines() {}

    /**
     * Gives each whole line to {@code taker}, without its end, for as long as that wants more. What is too long to be one that the
     * kernel writes is cut.
     *
     * @throws IOException it isn't there or may not be read, or has gone meanwhile
     */
    public static void each(String path, Predicate<String> taker) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        byte[] line = new byte[LINE_LIMIT_BYTES];
        int lineBytes = 0;
        try (InputStream file = new FileInputStream(path)) {
            for (int count = file.read(chunk); count > 0; count = file.read(chunk)) {
                for (int index = 0; index < count; index++) {
                    if (chunk[index] != '\n') {
                        if (lineBytes < LINE_LIMIT_BYTES) {
                            line[lineBytes++] = chunk[index];
                        }
                        continue;
                    }
                    if (!taker.test(text(line, lineBytes))) {
                        return;
                    }
                    lineBytes = 0;
                }
            }
        }
    }

    private static String text(byte[] line, int lineBytes) {
        return new String(line, 0, lineBytes, StandardCharsets.UTF_8);
    }

    /** Blanks and the like are written as three octal digits behind a backslash, in mountinfo and swaps. */
    public static String unescaped(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        byte[] bytes = field.getBytes(StandardCharsets.UTF_8);
        int length = 0;
        for (int at = 0; at < bytes.length; at++) {
            if (bytes[at] == '\\' && at + 3 < bytes.length) {
                bytes[length++] =
                        (byte) ((bytes[at + 1] - '0') << 6 | (bytes[at + 2] - '0') << 3 | (bytes[at + 3] - '0'));
                at += 3;
            } else {
                bytes[length++] = bytes[at];
            }
        }
        return text(bytes, length);
    }
}
