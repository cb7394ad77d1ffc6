package org.vnd.image;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vnd.proc.SmallFile;

/** The disk that runs of a file without a record, as of one whose owner has made it immutable, by those who have it open. */
final class RunningDisk {
    /** As {@link Holders} has it. */
    private static final Pattern LOCK_HOLDER = Pattern.compile("pid (\\d+) \\(vnd-lock\\) .*");

    /** What vnd-lock is told: the name of its daemon's socket, see {@link LockHolder}. */
    private static final Pattern DAEMON = Pattern.compile("vnd-lock (\\d+) .*");

    private static final Pattern UNIT = Pattern.compile("vnd\\d+");

    private RunningDisk() {}

    /** For people, "vnd0 (pid 812)", if one of {@code holders} holds its lock and another is its daemon. */
    static Optional<String> among(List<String> holders) {
        for (String holder : holders) {
            Matcher lock = LOCK_HOLDER.matcher(holder);
            Matcher daemon = DAEMON.matcher(lock.matches() ? last(words(lock.group(1))) : "");
            if (daemon.matches()) {
                String pid = daemon.group(1);
                String unit = unit(words(pid));
                // In another container it has another number, and this one is somebody's who hasn't the file.
                if (UNIT.matcher(unit).matches()
                        && holders.stream().anyMatch(other -> other.startsWith("pid " + pid + " "))) {
                    return Optional.of(unit + " (pid " + pid + ")");
                }
            }
        }
        return Optional.empty();
    }

    /** Of a process's command line; none if it is gone. */
    private static List<String> words(String pid) {
        String line = SmallFile.read("/proc/" + pid + "/cmdline");
        return Arrays.asList((line == null ? "" : line).split("\0"));
    }

    private static String last(List<String> words) {
        return words.get(words.size() - 1);
    }

    /** The keeper has put it behind what the user has said. */
    private static String unit(List<String> words) {
        int at = words.lastIndexOf("--unit");
        return at < 0 || at + 1 == words.size() ? "" : words.get(at + 1);
    }
}
