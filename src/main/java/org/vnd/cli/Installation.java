package org.vnd.cli;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;

/** Where the parts of this program are: the launcher says so in {@code vnd.home}. */
final class Installation {
    private static final String ATTACH_MAIN = "org.vnd.daemon.Main";
    private static final String RECOVER_MAIN = "org.vnd.daemon.Recover";
    private static final String CREATE_MAIN = "org.vnd.daemon.Create";

    /** So that nothing started here keeps a file system from being unmounted. */
    static final File WORKING_DIRECTORY = new File("/");

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

    /** {@code command} as a process that ends when its reports do: a JVM exits 300 ms later if it has a living child. */
    List<String> handedOff(List<String> command) {
        List<String> line = new ArrayList<>();
        line.add(home.resolve("libexec/vnd-handoff").toString());
        line.addAll(command);
        return line;
    }

    List<String> daemon(List<String> arguments) {
        return vndd(ATTACH_MAIN, arguments);
    }

    List<String> recovery(List<String> files) {
        return vndd(RECOVER_MAIN, files);
    }

    List<String> creation(List<String> arguments) {
        return vndd(CREATE_MAIN, arguments);
    }

    /** The JVM of a disk is set up by the distribution's script. */
    private List<String> vndd(String mainClass, List<String> arguments) {
        List<String> line = new ArrayList<>();
        line.add(home.resolve("libexec/vndd").toString());
        line.add(mainClass);
        line.addAll(arguments);
        return line;
    }
}
