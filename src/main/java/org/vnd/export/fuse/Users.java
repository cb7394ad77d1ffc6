package org.vnd.export.fuse;

import java.nio.file.Path;
import org.vnd.proc.Findings;
import org.vnd.proc.ProcessFolder;
import org.vnd.proc.Search;

/** Who uses a mounted folder: processes, by what /proc shows to this user, and loop devices. */
final class Users {
    private Users() {}

    /** A sentence: "used by dd (4711), /dev/loop3". */
    static String of(Path folder) {
        Findings users = Search.run(Search.EXPLAINING_MILLIS, search -> {
            search.eachProcess(process -> {
                addUser(search, process, folder, process.link("cwd"));
                addUser(search, process, folder, process.link("root"));
                process.eachDescriptor((number, path) -> addUser(search, process, folder, path));
            });
            search.eachLoop((name, backing) -> {
                if (isIn(folder, backing)) {
                    search.add("/dev/" + name);
                }
            });
        });
        return users.names().isEmpty() ? "in use, by whom can't be seen" : "used by " + users.describe("");
    }

    private static void addUser(Search search, ProcessFolder process, Path folder, String path) {
        if (isIn(folder, path)) {
            String name = process.name();
            search.add((name.isEmpty() ? "a process" : name) + " (" + process.pid() + ")");
        }
    }

    private static boolean isIn(Path folder, String path) {
        return Path.of(path).startsWith(folder);
    }
}
