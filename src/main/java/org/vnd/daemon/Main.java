package org.vnd.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Reporter;
import org.vnd.control.UnitRecord;
import org.vnd.sys.DescriptorOutputStream;
import org.vnd.sys.Errno;
import org.vnd.sys.MemoryCalls;

/** The daemon of one disk, {@code vndd}. Started by the keeper; see {@link DaemonArguments} for its arguments. */
public final class Main {
    private Main() {}

    /** Attaches, says so, and serves until it is told to end. */
    public static void main(String[] words) {
        DaemonArguments arguments = DaemonArguments.parse(words);
        List<String> unprotected = new ArrayList<>(UnitRecord.unprotectedOf(environment("VND_UNPROTECTED")));
        Disk disk = null;
        try (Reporter reporter = new Reporter(new DescriptorOutputStream(arguments.reportDescriptor()))) {
            disk = start(arguments, reporter, unprotected);
            if (disk != null) {
                Runtime.getRuntime().addShutdownHook(new Thread(disk::end, "vnd-end"));
                reporter.ready();
            }
        } catch (IOException gone) {
            Log.line("the one who asked for the disk is gone: detaching");
            System.exit(1);
        }
        if (disk == null) {
            System.exit(1);
            return;
        }
        disk.awaitEnd();
        System.exit(0);
    }

    /** The disk, or null when the error has been reported. */
    private static @Nullable Disk start(DaemonArguments arguments, Reporter reporter, List<String> unprotected)
            throws IOException {
        lockMemory(unprotected);
        try {
            return Disk.attach(arguments, reporter, unprotected);
        } catch (IOException e) {
            reporter.error(String.valueOf(e.getMessage()));
            return null;
        }
    }

    private static String environment(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }

    /** Locks all memory of the process, so that serving a request never waits for paging, which may need this disk. */
    private static void lockMemory(List<String> unprotected) {
        int result = MemoryCalls.mlockall(MemoryCalls.MCL_CURRENT | MemoryCalls.MCL_FUTURE);
        if (result < 0) {
            unprotected.add("locked memory: " + Errno.message(-result) + " (raise RLIMIT_MEMLOCK)");
        }
    }
}
