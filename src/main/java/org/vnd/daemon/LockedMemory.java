package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.vnd.sys.Errno;
import org.vnd.sys.MemoryCalls;

/** The memory of this process, locked, so that serving a request never waits for paging, which may need this very disk. */
final class LockedMemory {
    /** What is shown of a mapping, proc_pid_maps(5): addresses, permissions, offset, device, inode, path. */
    private static final int PATH_FIELD = 5;

    /** Of the JVM's other threads, one may have unmapped something meanwhile. */
    private static final int ATTEMPTS = 3;

    private LockedMemory() {}

    /**
     * Locks all there is and all that comes, but for the JDK's modules: 120 MiB, from which classes are read that aren't in the
     * archive of those that a disk needs, which is locked.
     *
     * @return why it couldn't
     */
    static Optional<String> lock() {
        // Asks whether it may, and reads nothing in yet.
        int all = MemoryCalls.MCL_CURRENT | MemoryCalls.MCL_FUTURE | MemoryCalls.MCL_ONFAULT;
        int result = MemoryCalls.mlockall(all);
        if (result == 0) {
            // What comes is there at once.
            result = MemoryCalls.mlockall(MemoryCalls.MCL_FUTURE);
        }
        if (result < 0) {
            return Optional.of(Errno.message(-result) + " (raise RLIMIT_MEMLOCK)");
        }
        try {
            Path modules =
                    Path.of(System.getProperty("java.home"), "lib", "modules").toRealPath();
            Optional<String> failed = lockMappings(modules);
            for (int attempt = 1; attempt < ATTEMPTS && failed.isPresent(); attempt++) {
                failed = lockMappings(modules);
            }
            return failed;
        } catch (IOException e) {
            return Optional.of(e.toString());
        }
    }

    private static Optional<String> lockMappings(Path modules) throws IOException {
        Optional<String> failed = Optional.empty();
        for (String mapping : Files.readAllLines(Path.of("/proc/self/maps"))) {
            String[] fields = mapping.split(" +", PATH_FIELD + 1);
            int dash = fields[0].indexOf('-');
            long start = Long.parseUnsignedLong(fields[0].substring(0, dash), 16);
            long length = Long.parseUnsignedLong(fields[0].substring(dash + 1), 16) - start;
            if (fields.length > PATH_FIELD && fields[PATH_FIELD].equals(modules.toString())) {
                MemoryCalls.munlock(start, length);
                continue;
            }
            int result = MemoryCalls.mlock(start, length);
            // What can't be read now, as the JVM's reserves, is locked when it can: an error, and as it should be.
            // What the kernel shows of itself, [vsyscall], isn't memory of ours.
            if (result < 0 && fields[1].startsWith("r") && !mapping.endsWith("]")) {
                failed = Optional.of(Errno.message(-result) + " (" + mapping + ")");
            }
        }
        return failed;
    }
}
