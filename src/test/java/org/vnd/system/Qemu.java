package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vnd.lab.Command;

/** QEMU's programs that use an image, and that take its locks for that. */
final class Qemu {
    private static final long START_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long POLL_MILLIS = 50;

    private Qemu() {}

    /** A virtual machine that has {@code image}, and doesn't start. */
    static Object[] guest(Path image, String... options) {
        List<String> drive = new ArrayList<>(List.of(options));
        drive.addAll(List.of("format=raw", "if=virtio", "file=" + image));
        return new Object[] {
            "qemu-system-x86_64", "-S", "-display", "none", "-nic", "none", "-drive", String.join(",", drive)
        };
    }

    /** A server of {@code image} at {@code socket}. */
    static Object[] server(Path socket, Path image, String... options) {
        List<Object> words = new ArrayList<>(List.of("qemu-nbd", "-t", "-f", "raw", "-k", socket));
        words.addAll(Arrays.asList(options));
        words.add(image);
        return words.toArray();
    }

    /** Fails if {@code words} succeeds, or isn't refused for want of the lock {@code kind}. */
    static void assertKeptOut(String kind, Object... words) {
        Command.Result result = new Command("timeout", "20").with(words).run();
        assertTrue(result.exitCode() != 0 && result.errors().contains("\"" + kind + "\" lock"), result::toString);
    }

    /** Starts {@code words}, and waits until it has locks on {@code image}. */
    static Command.Running start(Path image, Object... words) throws InterruptedException {
        Command.Running running = new Command(words).start();
        for (long start = System.nanoTime(); !hasLocks(running, image); Thread.sleep(POLL_MILLIS)) {
            if (!running.alive() || System.nanoTime() - start > START_LIMIT_NANOS) {
                String said = running.errors();
                running.close();
                throw new AssertionError(Arrays.toString(words) + " has no locks: " + said);
            }
        }
        return running;
    }

    private static boolean hasLocks(Command.Running running, Path image) {
        String script = "grep -l \"^lock:.*OFDLCK.*:$(stat -c %i \"$1\") \" /proc/$2/fdinfo/* 2>/dev/null || true";
        return !Command.output("sh", "-c", script, "sh", image, running.pid()).isEmpty();
    }
}
