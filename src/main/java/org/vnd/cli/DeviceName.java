package org.vnd.cli;

import java.util.Optional;
import org.vnd.control.Unit;

/**
 * A unit as users of NetBSD name it. There opendisk(3) looks for the name itself, then in /dev, each also with the letter
 * of the raw partition: {@code vnd0}, {@code vnd0d}, {@code /dev/vnd0d}, {@code /dev/rvnd0d} are the same disk.
 */
final class DeviceName {
    private DeviceName() {}

    /** The unit called {@code name}, if it is such a name. */
    static Optional<Unit> parse(String name) {
        String base = name;
        if (base.startsWith("/dev/vnd/")) {
            base = base.substring("/dev/vnd/".length());
        } else if (base.startsWith("/dev/r")) {
            base = base.substring("/dev/r".length());
        } else if (base.startsWith("/dev/")) {
            base = base.substring("/dev/".length());
        }
        // The raw partition is c on most of NetBSD's machines, d on x86.
        if (base.endsWith("c") || base.endsWith("d")) {
            base = base.substring(0, base.length() - 1);
        }
        return Unit.parse(base);
    }
}
