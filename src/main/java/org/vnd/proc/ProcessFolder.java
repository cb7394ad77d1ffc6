package org.vnd.proc;

import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A process as /proc shows it to a {@link Search}: it may end at any moment, and then shows nothing. */
public final class ProcessFolder {
    private final Search search;
    private final String pid;
    private final String folder;

    ProcessFolder(Search search, String pid) {
        this.search = search;
        this.pid = pid;
        this.folder = "/proc/" + pid + "/";
    }

    public String pid() {
        return pid;
    }

    /** Of its program; empty if it is gone. */
    public String name() {
        return name(pid);
    }

    private static String name(String pid) {
        String command = SmallFile.read("/proc/" + pid + "/comm");
        return command == null ? "" : command.trim();
    }

    /** "pid 812 (qemu-nbd)". */
    public String describe() {
        return describe(pid);
    }

    /** The same of any process, outside of a search. */
    public static String describe(String pid) {
        String name = name(pid);
        return "pid " + pid + (name.isEmpty() ? "" : " (" + name + ")");
    }

    /** Where the link {@code name} leads, such as {@code cwd}; empty if that can't be told. */
    public String link(String name) {
        return SmallFile.readLink(folder + name);
    }

    /** Each of its descriptors that has a path: the number, and that path as the kernel remembers it. */
    public void eachDescriptor(BiConsumer<String, String> look) {
        search.eachEntry(folder + "fd", number -> {
            String path = link("fd/" + number);
            if (path.startsWith("/")) {
                look.accept(number, path);
            }
        });
    }

    /** Which file its descriptor {@code number} is of; null if it is gone. */
    public @Nullable KnownFile descriptor(String number) {
        return KnownFile.behind(folder + "fd/" + number);
    }

    /** What proc_pid_fdinfo(5) has of it, or its beginning; empty if it is gone. */
    public String descriptorInfo(String number) {
        String info = SmallFile.read(folder + "fdinfo/" + number);
        return info == null ? "" : info;
    }

    /** The value of the line {@code name} of {@link #descriptorInfo}; empty where this kernel has none. */
    public static String field(String info, String name) {
        int at = ("\n" + info).indexOf("\n" + name + ":");
        if (at < 0) {
            return "";
        }
        int end = (info + "\n").indexOf('\n', at);
        return info.substring(at + name.length() + 1, end).trim();
    }

    /** Each line of its file {@code name}, such as {@code maps}, for as long as {@code look} wants more. */
    public void eachLine(String name, Predicate<String> look) {
        search.eachLine(folder + name, look);
    }

    /** Which file its mapping of {@code addresses} is of, which only a privileged process may ask; null if it can't be told. */
    public @Nullable KnownFile mapping(String addresses) {
        return KnownFile.behind(folder + "map_files/" + addresses);
    }
}
