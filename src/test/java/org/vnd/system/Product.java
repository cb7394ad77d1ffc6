package org.vnd.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.vnd.lab.Command;

/** The command line of this build, with a state folder of its own. Closing detaches by force what is still attached. */
public final class Product implements AutoCloseable {
    /** What a JVM with all of a machine's other work may need. */
    private static final int LIMIT_SECONDS = 180;

    private static boolean prepared;

    private final Path state;
    private final String program;
    private List<String> behind = List.of();

    public Product() {
        String home = System.getProperty("vnd.home");
        if (home == null) {
            throw new IllegalStateException("the property vnd.home doesn't say where the distribution is");
        }
        program = Path.of(home, "bin/vndconfig").toString();
        try {
            // Sockets are in it, whose paths are short.
            state = Files.createTempDirectory(Path.of("/tmp"), "vnd-test-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        prepare();
    }

    /** The first run after a build says on standard error that it prepares class archives. */
    private void prepare() {
        synchronized (Product.class) {
            if (!prepared) {
                run("-l").succeeded();
                prepared = true;
            }
        }
    }

    /** The path of {@code vndconfig}. */
    public String program() {
        return program;
    }

    /** Where it keeps its state. */
    public Path state() {
        return state;
    }

    /** Has {@code words} run the program from now on, in a namespace of theirs for example; without any, nothing does. */
    public void behind(List<String> words) {
        behind = words;
    }

    /** The command {@code vndconfig arguments}, not yet run. */
    public Command command(Object... arguments) {
        return new Command(behind.toArray())
                .with(program)
                .with(arguments)
                .environment("VND_STATE", state.toString())
                // Unless a test is about block devices.
                .environment("VND_EXPORT", "nbd")
                .limitSeconds(LIMIT_SECONDS);
    }

    /** Runs {@code vndconfig arguments}; any exit code is an answer. */
    public Command.Result run(Object... arguments) {
        return command(arguments).run();
    }

    /** Attaches {@code image} to the first free unit, with more options. */
    public AttachedDisk attach(Path image, Object... options) {
        Command.Result result = command("-c").with(options).with(image).run().succeeded();
        String unit = result.output().trim();
        return disks().stream()
                .filter(disk -> disk.unit().equals(unit))
                .findFirst()
                .orElseThrow(() -> new AssertionError("attached, but not listed: " + result));
    }

    /** What {@code -l --json} tells. */
    public List<AttachedDisk> disks() {
        return AttachedDisk.parse(this, run("-l", "--json").succeeded().output());
    }

    /** The disk of {@code unit}. */
    public Optional<AttachedDisk> disk(String unit) {
        return disks().stream().filter(disk -> disk.unit().equals(unit)).findFirst();
    }

    /** Runs it, requires that it fails with exit code 1 and one line, and returns that line. */
    public String refusal(Object... arguments) {
        Command.Result result = run(arguments).exited(1);
        String text = result.errors().strip();
        if (!result.output().isEmpty() || text.isEmpty() || text.contains("\n")) {
            throw new AssertionError("not one line: " + result);
        }
        return text;
    }

    /** SIGKILL to every keeper and daemon of it, each by its id, and to those that one of them starts meanwhile. */
    public void killAll() {
        List<ProcessHandle> running = processes();
        while (!running.isEmpty()) {
            running.forEach(ProcessHandle::destroyForcibly);
            running.forEach(process -> process.onExit().join());
            running = processes();
        }
    }

    /** Keepers and daemons of it. */
    public List<ProcessHandle> processes() {
        return ProcessHandle.allProcesses().filter(this::isOurs).toList();
    }

    private boolean isOurs(ProcessHandle process) {
        try {
            // Both have the state folder as an argument; the command line has it in its environment only.
            return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"))
                    .contains(state.toString());
        } catch (IOException gone) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            for (Path folder : unitFolders()) {
                Command.Result result = run("-u", "-F", folder.getFileName());
                if (result.exitCode() != 0) {
                    System.err.println("at the end of a test: " + result);
                }
            }
            // What can't be detached, which a test has complained about, must not outlive it.
            killAll();
            for (Path folder : unitFolders()) {
                delete(folder);
            }
            delete(state);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path directory) throws IOException {
        for (Path file : list(directory)) {
            Files.deleteIfExists(file);
        }
        Files.deleteIfExists(directory);
    }

    private List<Path> unitFolders() throws IOException {
        List<Path> folders = new ArrayList<>(list(state));
        folders.removeIf(path -> !Files.isDirectory(path));
        return folders;
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.toList();
        }
    }
}
