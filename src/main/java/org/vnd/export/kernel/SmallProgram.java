package org.vnd.export.kernel;

import java.io.File;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * Programs of the host that do what no thread of ours may: wait uninterruptibly for what this process itself serves. They
 * say nothing and are told nothing.
 */
final class SmallProgram {
    private SmallProgram() {}

    /** Runs it, and returns whether it said yes within {@code limitSeconds}; false too if there is no such program. */
    static boolean run(int limitSeconds, String... command) {
        File nothing = new File("/dev/null");
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .redirectInput(nothing)
                    .redirectOutput(nothing)
                    .redirectError(nothing)
                    .start();
        } catch (IOException none) {
            return false;
        }
        try {
            if (process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
                return process.exitValue() == 0;
            }
            process.destroyForcibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }
}
