package org.vnd.user;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vnd.lab.Command;

/**
 * Somebody who calls {@code vndconfig}: with a state folder of his own, from a folder he works in, as the user and with
 * the limits that {@link #behind} puts before the command. Closing detaches by force what he forgot.
 */
final class Caller implements AutoCloseable {
    /** For a JVM on a machine that has other work. */
    private static final int LIMIT_SECONDS = 120;

    private static final long POLL_MILLIS = 10;

    /** In the environment of everything he starts, and of what that starts: so it can be found again. */
    private static final String MARK = "VND_TEST_CALLER";

    private final Path state;
    private final Path folder;
    private final List<String> prefix = new ArrayList<>();
    private final Map<String, String> environment = new HashMap<>();
    private Path program = ownProgram();

    /** Works in {@code folder}, whose files he names without their path. */
    Caller(Path folder) {
        this(folder, temporaryState());
        environment.put("VND_STATE", state.toString());
        environment.put("VND_EXPORT", "nbd");
    }

    /** The same for one whose state is where the program puts it by itself, which is to be {@code state}. */
    Caller(Path folder, Path state) {
        this.folder = folder;
        this.state = state;
        environment.put(MARK, state.toString());
    }

    private static Path temporaryState() {
        try {
            // Not in the folder: the paths of sockets are short.
            return Files.createTempDirectory(Path.of("/tmp"), "vnd-user-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Has every command of his run by {@code words}. */
    Caller behind(Object... words) {
        Arrays.stream(words).map(Object::toString).forEach(prefix::add);
        return this;
    }

    /** Has him call this copy of the program. */
    Caller program(Path path) {
        program = path;
        return this;
    }

    /** Where his disks are known. */
    Path state() {
        return state;
    }

    /** This build's. */
    static Path ownProgram() {
        return Path.of(System.getProperty("vnd.home"), "bin", "vndconfig");
    }

    /** {@code vndconfig arguments} as he runs it, not yet run. */
    Command command(Object... arguments) {
        return other(program).with(arguments);
    }

    /** Any other program as he runs it. */
    Command other(Object... words) {
        List<Object> all = new ArrayList<>(prefix);
        all.addAll(List.of(words));
        Command command = new Command(all.toArray()).limitSeconds(LIMIT_SECONDS).directory(folder);
        environment.forEach(command::environment);
        return command;
    }

    Command.Result run(Object... arguments) {
        return command(arguments).run();
    }

    /** Runs {@code vndconfig arguments} and requires that it succeeds without a warning. Returns what it printed. */
    String says(Object... arguments) {
        Command.Result result = run(arguments).succeeded();
        assertEquals("", result.errors(), result::toString);
        return result.output();
    }

    /** Runs {@code vndconfig arguments} and requires exit code 1 and one line on standard error. Returns that. */
    String refusal(Object... arguments) {
        Command.Result result = run(arguments).exited(1);
        assertEquals("", result.output(), result::toString);
        assertEquals(1, result.errors().lines().count(), result::toString);
        return result.errors().strip();
    }

    /** What {@code -l --json} says of {@code unit} by {@code name}: a text or a number. */
    String field(String unit, String name) {
        String json = says("-l", "--json", unit);
        Matcher field = Pattern.compile("\"" + name + "\":(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^,}\\]]+))")
                .matcher(json);
        if (!field.find()) {
            throw new AssertionError("no " + name + " in " + json);
        }
        return field.group(1) != null ? field.group(1) : field.group(2);
    }

    String uri(String unit) {
        return field(unit, "uri");
    }

    /** The daemon. */
    ProcessHandle daemon(String unit) {
        return ProcessHandle.of(Long.parseLong(field(unit, "pid"))).orElseThrow();
    }

    /** The process that {@code record} names, which isn't listed before the disk is attached. */
    long daemonOf(Path record) throws IOException {
        Matcher pid = Pattern.compile("\"pid\":(\\d+)").matcher(Files.readString(record));
        if (!pid.find()) {
            throw new AssertionError("no pid in " + record);
        }
        return Long.parseLong(pid.group(1));
    }

    /** One of qemu-io's commands on the disk; exit code 0 of qemu-io says nothing, so see what it printed. */
    String qemuIo(String unit, String command) {
        return other("qemu-io", "-f", "raw", "-c", command, uri(unit)).run().output();
    }

    /** Copies all of {@code from} to {@code to}, one of which is a disk's URI. */
    void copy(Object from, Object to) {
        other("nbdcopy", "--flush", from, to).run().succeeded();
    }

    /** Everything of his state that is there: lock files and units' folders. */
    List<String> stateEntries() {
        String[] names = state.toFile().list();
        return names == null ? List.of() : Arrays.stream(names).sorted().toList();
    }

    /** Waits until nothing runs that he started, or that was started by that. */
    void awaitNobody() {
        while (ProcessHandle.allProcesses().anyMatch(this::isOurs)) {
            pause();
        }
    }

    private boolean isOurs(ProcessHandle process) {
        try {
            String variables = Files.readString(Path.of("/proc", process.pid() + "", "environ"), ISO_8859_1);
            return ("\0" + variables).contains("\0" + MARK + "=" + state + "\0");
        } catch (IOException e) {
            // It has ended, or is another user's.
            return false;
        }
    }

    /**
     * After an interrupted attach of {@code unit}: the interrupt may have come when all was done, and then there is a disk
     * as good as any, which is detached here. Otherwise there is soon none.
     */
    void settle(String unit) {
        while (!stateEntries().isEmpty()) {
            String said = says("-l", unit);
            assertFalse(said.contains("crashed"), said);
            if (said.contains(" inode ")) {
                // Or the daemon finds just now that nobody waits for the disk, and does it itself.
                run("-u", unit);
            }
            pause();
        }
    }

    static void pause() {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Waits for the end of his processes; then {@link #assertNoDisk}. */
    void assertNothingLeft(Path... images) {
        awaitNobody();
        assertNoDisk(images);
    }

    /** No unit, no lock and no mark on {@code images} may be left. */
    void assertNoDisk(Path... images) {
        assertEquals(List.of(), stateEntries());
        for (Path image : images) {
            Marks.assertNone(image);
        }
    }

    @Override
    public void close() {
        for (String entry : stateEntries()) {
            if (Files.isDirectory(state.resolve(entry))) {
                Command.Result result = run("-u", "-F", entry);
                if (result.exitCode() != 0) {
                    System.err.println("at the end of a test: " + result);
                }
            }
        }
        awaitNobody();
        try {
            Files.deleteIfExists(state);
        } catch (IOException e) {
            System.err.println("left behind: " + state + ": " + stateEntries());
        }
    }
}
