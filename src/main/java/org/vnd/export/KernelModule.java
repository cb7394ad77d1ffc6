package org.vnd.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A part of the kernel that is loaded when somebody needs it. */
public final class KernelModule {
    private static final int LIMIT_SECONDS = 10;

    private KernelModule() {}

    /** Has modprobe(8) load {@code name}, if it isn't there; without modules or permission nothing happens. */
    public static void load(String name) {
        try {
            String release =
                    Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
            if (!Files.exists(Path.of("/sys/module", name)) && Files.exists(Path.of("/lib/modules", release))) {
                SmallProgram.run(LIMIT_SECONDS, "modprobe", "--quiet", name);
            }
        } catch (IOException none) {
            return;
        }
    }
}
