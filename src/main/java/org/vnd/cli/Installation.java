package org.vnd.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;

/** Where the parts of this program are: the launcher says so in {@code vnd.home}. */
final class Installation {
    private static final String ATTACH_MAIN = "org.vnd.daemon.Main";
    private static final String RECOVER_MAIN = "org.vnd.daemon.Recover";

    private final Path home;

    private Installation(Path home) {
        this.home = home;
    }

    static Installation find() throws ProgramException {
        String home = System.getProperty("vnd.home", "");
        if (home.isEmpty()) {
            throw new ProgramException("vnd.home is not set; start this program by its launcher, bin/vndconfig");
        }
        return new Installation(Path.of(home).toAbsolutePath());
    }

    /** The working directory of everything started here: relative class paths in daemon.jvmargs begin there. */
    Path home() {
        return home;
    }

    /** A keeper that runs {@code command} for one of {@code unit}, or for the first free unit if there is none. */
    List<String> keeper(StateDirectory state, List<String> keeperOptions, List<String> command) {
        List<String> line = new ArrayList<>();
        line.add(home.resolve("libexec/vnd-keeper").toString());
        line.add("--state");
        line.add(state.path().toString());
        line.addAll(keeperOptions);
        line.add("--");
        line.addAll(command);
        return line;
    }

    /** A keeper that does nothing, after which the unit's folder and lock are gone. */
    List<String> cleaner(StateDirectory state, Unit unit) {
        return keeper(state, List.of("--unit", unit.name()), List.of("/bin/sh", "-c", ":"));
    }

    List<String> daemon(List<String> arguments) {
        return java(ATTACH_MAIN, arguments);
    }

    List<String> recovery(List<String> files) {
        return java(RECOVER_MAIN, files);
    }

    private List<String> java(String mainClass, List<String> arguments) {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.add("@" + home.resolve("lib/daemon.jvmargs"));
        line.add(mainClass);
        line.addAll(arguments);
        return line;
    }
}
