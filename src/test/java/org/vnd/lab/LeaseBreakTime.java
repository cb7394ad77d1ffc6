package org.vnd.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * fs.lease-break-time as some processes see it, which can be changed while they run. The kernel's own, which all of the machine
 * shares, stays as it is: whoever waits for a lease waits that long.
 */
public final class LeaseBreakTime {
    private static final String MOUNT = "mount --bind \"$0\" /proc/sys/fs/lease-break-time; exec \"$@\"";

    private final Path file;

    /** In {@code folder}, which must last as long as whoever sees it. */
    public LeaseBreakTime(Path folder, int seconds) throws IOException {
        file = folder.resolve("lease-break-time");
        set(seconds);
    }

    /** For whoever looks from now on. */
    public void set(int seconds) throws IOException {
        Files.writeString(file, seconds + "\n");
    }

    /** What runs the words after it so that they see it, in a {@link MountNamespace} in which {@code path} can be reached. */
    public List<String> with(Path path) {
        List<String> words = new ArrayList<>(MountNamespace.with(path));
        words.addAll(List.of("sh", "-euc", MOUNT, file.toString()));
        return words;
    }
}
