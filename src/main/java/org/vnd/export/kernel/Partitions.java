package org.vnd.export.kernel;

import java.io.File;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * Has the kernel know the partitions of a disk by partx(8): kernels are built without eyes for one kind of table or another,
 * and some look only when they are told. Another process, because to read a disk is to wait for whoever serves it.
 */
public final class Partitions {
    private static final int LIMIT_SECONDS = 10;

    private Partitions() {}

    /** Looks at the table of the disk at {@code node}. Without partx, the kernel's own eyes have to do. */
    public static void update(String node) {
        File nothing = new File("/dev/null");
        try {
            Process partx = new ProcessBuilder("partx", "--update", node)
                    .directory(new File("/"))
                    .redirectInput(nothing)
                    .redirectOutput(nothing)
                    .redirectError(nothing)
                    .start();
            // Its status says no more than that there is no table, or that a partition is in use and stays.
            if (!partx.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                partx.destroyForcibly();
            }
        } catch (IOException none) {
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
