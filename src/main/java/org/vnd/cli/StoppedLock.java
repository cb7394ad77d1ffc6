package org.vnd.cli;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A vnd-lock, which is asked before anybody opens its image, and is stopped: native/lock_guard.h. */
final class StoppedLock {
    static final String COMMAND = "vnd-lock";

    private StoppedLock() {}

    /** The process id of that of {@code file}. Those of other images are left in peace. */
    static Optional<Long> of(String file) {
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
            // Opens nothing.
            Path image = Path.of(file).toRealPath();
            for (Path process : processes) {
                long pid = Long.parseLong(process.getFileName().toString());
                if (Awaited.command(pid).equals(COMMAND) && StallNotice.isStopped(pid) && hasOpen(process, image)) {
                    return Optional.of(pid);
                }
            }
        } catch (IOException | RuntimeException unreadable) {
            // Then it isn't named.
        }
        return Optional.empty();
    }

    private static boolean hasOpen(Path process, Path image) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (Files.readSymbolicLink(descriptor).equals(image)) {
                    return true;
                }
            }
        } catch (IOException | DirectoryIteratorException ended) {
            // Then it isn't stopped.
        }
        return false;
    }
}
