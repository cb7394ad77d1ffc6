package org.vnd.lab;

import java.nio.file.Path;
import java.util.List;

/**
 * A mount namespace of its own, as a container has one. It is a copy, and what is mounted in a copy is still mounted, whoever
 * unmounts it elsewhere: so it lets other tests' file systems go at once.
 */
public final class MountNamespace {
    private static final String LET_GO = """
            awk -v keep="$0/" 'index($2, "/vnd-") && index(keep, $2 "/") != 1 { print $2 }' /proc/self/mounts |
                sort -r | xargs -r -n 1 umount --lazy -- || :
            exec "$@"
            """;

    private MountNamespace() {}

    /** What runs the words after it in such a namespace, in which {@code path} can be reached. */
    public static List<String> with(Path path) {
        return List.of("unshare", "--mount", "--propagation", "slave", "sh", "-euc", LET_GO, path.toString());
    }
}
