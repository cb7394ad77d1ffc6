package org.vnd.lab;

import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** The flags of a file as lsattr(1) shows them, such as {@code ----i---------e-------}. */
public final class ListedFlags {
    private static final int ATTEMPTS = 50;
    private static final long PAUSE_NANOS = 100_000_000;

    private ListedFlags() {}

    /** Those of {@code file}. Asked again while that is refused: for a second after a disk took its flag back, it is. */
    public static String of(Path file) {
        for (int attempt = 1; ; attempt++) {
            Command.Result listed = new Command("lsattr", "-d", file).run();
            if (listed.exitCode() == 0 || attempt == ATTEMPTS) {
                return listed.succeeded().output().split(" ")[0];
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** Whether {@code file} is immutable. */
    public static boolean isImmutable(Path file) {
        return of(file).contains("i");
    }
}
