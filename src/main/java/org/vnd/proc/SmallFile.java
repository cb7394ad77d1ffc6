package org.vnd.proc;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Files of /proc and /sys of a few lines, which have no size and may vanish at any time. Longer ones: {@link Lines}. */
public final class SmallFile {
    private static final int LIMIT_BYTES = 16 * 1024;

    private SmallFile() {}

    /** All of it, or its beginning if it is longer than such files are; null if it isn't there or may not be read. */
    public static @Nullable String read(String path) {
        // Not by Files.readAllBytes, which asks for one byte first where the size is 0: a number of /proc/sys is
        // told to the first read only (kernel/sysctl.c), and of 45 it sees 4.
        try (InputStream file = new FileInputStream(path)) {
            return new String(file.readNBytes(LIMIT_BYTES), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return null;
        }
    }

    /**
     * All of {@code path}, a file of /sys, without blanks around it; empty if it isn't there.
     *
     * @throws IOException that can't be told, for want of descriptors for one
     */
    public static String readIfThere(Path path) throws IOException {
        try (InputStream file = Files.newInputStream(path)) {
            return new String(file.readNBytes(LIMIT_BYTES), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            // What was opened and can't be read is of a device that has gone since.
            if (Files.notExists(path)) {
                return "";
            }
            throw e;
        }
    }

    /** Where the symbolic link leads; empty if that can't be told. */
    public static String readLink(String path) {
        try {
            return Files.readSymbolicLink(Path.of(path)).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /** Its one number, or {@code otherwise}. */
    public static long readNumber(String path, long otherwise) {
        String text = read(path);
        try {
            return text == null ? otherwise : Long.parseLong(text.trim());
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }
}
