package org.vnd.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Files of /proc and /sys, which have no size and may vanish at any time. */
final class SmallFile {
    private SmallFile() {}

    /** All of it, or null if it isn't there or may not be read. */
    static @Nullable String read(String path) {
        try {
            return new String(Files.readAllBytes(Path.of(path)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return null;
        }
    }

    /** Its one number, or {@code otherwise}. */
    static long readNumber(String path, long otherwise) {
        String text = read(path);
        try {
            return text == null ? otherwise : Long.parseLong(text.trim());
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }
}
