package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The process vnd-lock of a disk, which has its daemon's number in the name of the socket that it is told. */
public final class LockProcess {
    private LockProcess() {}

    /** That of the daemon {@code daemon}, also when it is dead, unless it has just been killed itself. */
    public static Optional<ProcessHandle> of(long daemon) {
        String name = "vnd-lock " + daemon + " ";
        return ProcessHandle.allProcesses()
                .filter(process -> {
                    String[] words = commandLine(process.pid()).split("\0");
                    return words.length == 2 && words[0].endsWith("/vnd-lock") && words[1].startsWith(name);
                })
                .findFirst();
    }

    private static String commandLine(long pid) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"));
        } catch (IOException gone) {
            return "";
        }
    }
}
