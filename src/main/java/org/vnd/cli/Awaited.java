package org.vnd.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.vnd.control.UnitRecord;

/** The process that a command waits for, and its keeper: they come, go and are succeeded by others, and so are found anew. */
abstract class Awaited {
    static final String KEEPER = "vnd-keeper";

    /** What it is: a daemon, a recovery. */
    final String role;
    /** Its process id; 0 if there is none now. */
    long process;
    /** The process id of who was its keeper, which may have ended. */
    long keeper;
    /** Which file it has to do with, and where the file system of that is mounted; empty if that isn't known. */
    String file = "";

    String mountPoint = "";

    Awaited(String role) {
        this.role = role;
    }

    /** Finds who they are now. */
    abstract void find();

    void learnPlace(UnitRecord record) {
        file = record.file();
        mountPoint = record.place().mountPoint();
    }

    /** The threads of it. */
    String[] threads() {
        String[] threads = ProcessStat.folder(process).resolve("task").toFile().list();
        return threads == null ? new String[0] : threads;
    }

    static Path task(long process, String thread) {
        return ProcessStat.folder(process).resolve("task").resolve(thread);
    }

    /** The children of a thread; one that is empty if there are none, or the kernel doesn't tell (CONFIG_PROC_CHILDREN). */
    static String[] children(Path task) {
        return text(task.resolve("children")).split(" ");
    }

    static String command(long process) {
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(process));
        return stat.isPresent() ? stat.get().command() : "";
    }

    static String text(Path path) {
        try {
            return Files.readString(path, StandardCharsets.ISO_8859_1).strip();
        } catch (IOException unreadable) {
            return "";
        }
    }
}
