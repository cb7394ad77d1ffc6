package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What user 0 may do here: in a container and in a user namespace that is less than on the host. */
final class RootPower {
    /** include/uapi/linux/capability.h */
    private static final int CAP_SYS_ADMIN = 21;

    /** user_namespaces(7): the first namespace has every id, as itself. */
    private static final List<String> ALL_IDS = List.of("0", "0", "4294967295");

    private RootPower() {}

    /** Why root can't be expected to make a device of the host, or an empty string. */
    static String missing() throws IOException {
        return missing(Files.readString(Path.of("/proc/self/uid_map")), Files.readString(Path.of("/proc/self/status")));
    }

    static String missing(String identities, String status) {
        if (!List.of(identities.strip().split("\\s+")).equals(ALL_IDS)) {
            return "root of a user namespace isn't the host's";
        }
        for (String line : status.split("\n")) {
            if (line.startsWith("CapEff:")) {
                long effective = Long.parseUnsignedLong(
                        line.substring("CapEff:".length()).strip(), 16);
                return (effective >>> CAP_SYS_ADMIN & 1) == 0 ? "root has no CAP_SYS_ADMIN here" : "";
            }
        }
        return "";
    }
}
