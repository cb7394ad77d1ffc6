package org.vnd.export.fuse;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who uses a mounted folder: processes, by what /proc shows to this user, and loop devices. Only links are read: to look
 * at the files themselves could mean to wait for them.
 */
final class Users {
    /** Lines are for people; a list longer than this is no help. */
    private static final int LIMIT = 5;

    private Users() {}

    /** A sentence: "used by dd (4711), /dev/loop3". */
    static String of(Path folder) {
        List<String> users = new ArrayList<>();
        for (Path process : list(Path.of("/proc"), "[0-9]*")) {
            if (users(process, folder)) {
                users.add(name(process) + " (" + process.getFileName() + ")");
            }
        }
        for (Path loop : list(Path.of("/sys/block"), "loop*")) {
            String file = text(loop.resolve("loop/backing_file"));
            if (!file.isEmpty() && Path.of(file).startsWith(folder)) {
                users.add("/dev/" + loop.getFileName());
            }
        }
        if (users.isEmpty()) {
            return "in use, by whom can't be seen";
        }
        int more = users.size() - LIMIT;
        return "used by " + String.join(", ", users.subList(0, Math.min(LIMIT, users.size())))
                + (more > 0 ? " and " + more + " more" : "");
    }

    private static boolean users(Path process, Path folder) {
        List<Path> links = list(process.resolve("fd"), "*");
        links.add(process.resolve("cwd"));
        links.add(process.resolve("root"));
        for (Path link : links) {
            if (leadsInto(link, folder)) {
                return true;
            }
        }
        return false;
    }

    private static boolean leadsInto(Path link, Path folder) {
        try {
            return Files.readSymbolicLink(link).startsWith(folder);
        } catch (IOException e) {
            return false; // Another user's, or gone.
        }
    }

    private static String name(Path process) {
        String name = text(process.resolve("comm"));
        return name.isEmpty() ? "a process" : name;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file).trim();
        } catch (IOException e) {
            return "";
        }
    }

    private static List<Path> list(Path folder, String pattern) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, pattern)) {
            stream.forEach(entries::add);
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            return entries; // What could be read is what there is.
        }
        return entries;
    }
}
