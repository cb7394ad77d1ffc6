package org.vnd.export;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Programs that do what no thread of ours may: wait uninterruptibly for what this process itself serves. They are
 * told nothing, and say nothing that isn't asked for. Those of the host are found by the launcher's fixed PATH.
 */
public final class SmallProgram {
    private static final File NOTHING = new File("/dev/null");

    private SmallProgram() {}

    /** Runs it, and returns whether it said yes within {@code limitSeconds}; false too if there is no such program. */
    public static boolean run(int limitSeconds, String... command) {
        Process process = start(command);
        return process != null && end(process, limitSeconds) && process.exitValue() == 0;
    }

    /** Whether the host has the program {@code name} where programs are looked for. */
    public static boolean isInstalled(String name) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, name))) {
                return true;
            }
        }
        return false;
    }

    /**
     * Runs it, and returns what it said, if it said yes within {@code limitSeconds}; else null. It may say 64 KiB, what a pipe
     * holds: nobody reads meanwhile.
     */
    public static @Nullable String output(int limitSeconds, String... command) {
        Process process = start(ProcessBuilder.Redirect.PIPE, command);
        if (process == null) {
            return null;
        }
        try (InputStream said = process.getInputStream()) {
            return end(process, limitSeconds) && process.exitValue() == 0
                    ? new String(said.readAllBytes(), StandardCharsets.UTF_8)
                    : null;
        } catch (IOException unread) {
            return null;
        }
    }

    /** Starts it; null if that can't be: there is no such program, or a signal to all of our group has come first. */
    public static @Nullable Process start(String... command) {
        return start(ProcessBuilder.Redirect.to(NOTHING), command);
    }

    private static @Nullable Process start(ProcessBuilder.Redirect output, String... command) {
        try {
            return new ProcessBuilder(command)
                    .directory(new File("/"))
                    .redirectInput(NOTHING)
                    .redirectOutput(output)
                    .redirectError(NOTHING)
                    .start();
        } catch (IOException none) {
            return null;
        }
    }

    /** Waits for its end, for up to {@code limitSeconds}, after which it is killed; whether it ended by itself. */
    public static boolean end(Process process, int limitSeconds) {
        try {
            if (process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
                return true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        return false;
    }
}
