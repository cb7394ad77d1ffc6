package org.vnd.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A line of /proc/PID/stat, proc(5): the kernel can always tell it, unlike the command line or the environment, for which the
 * memory of a process that is stuck has to be waited for.
 *
 * @param command its name, of at most 15 bytes
 * @param state R, S, D, T, …
 * @param parent the process id of its parent
 */
record ProcessStat(String command, char state, long parent) {
    /** In {@code folder}, which is a process's in /proc or a thread's. Nothing if it has ended. */
    static Optional<ProcessStat> read(Path folder) {
        try {
            String line = Files.readString(folder.resolve("stat"), StandardCharsets.ISO_8859_1);
            int open = line.indexOf('(');
            int close = line.lastIndexOf(')');
            int parentAt = close + 4;
            return Optional.of(new ProcessStat(
                    line.substring(open + 1, close),
                    line.charAt(close + 2),
                    Long.parseLong(line.substring(parentAt, line.indexOf(' ', parentAt)))));
        } catch (IOException | RuntimeException ended) {
            return Optional.empty();
        }
    }

    static Path folder(long pid) {
        return Path.of("/proc/" + pid);
    }
}
