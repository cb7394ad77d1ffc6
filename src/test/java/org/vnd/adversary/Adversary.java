package org.vnd.adversary;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.vnd.lab.NativeProgram;

/** A process that has prepared a {@link HostileOperation} and does it when told. Closing ends it and lets go of all. */
final class Adversary implements AutoCloseable {
    private static final long LIMIT_SECONDS = 150;

    private final Process process;
    private final Path other;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final String preparation;

    /** Starts it on {@code file} and lets it prepare. */
    Adversary(HostileOperation operation, Path file) throws IOException {
        this(operation.programName(), file);
    }

    /** As root, who first takes the immutable flag away and then waits until the lease is no more: nothing to prepare. */
    static Adversary thief(HostileOperation operation, Path file) throws IOException {
        return new Adversary(file, "steal", operation.programName());
    }

    /** As root, who goes by the path, and takes the flag away as often as it is put back until he has got through. */
    static Adversary persistentThief(HostileOperation operation, Path file) throws IOException {
        return new Adversary(file, "persist", operation.programName());
    }

    /** As root, who takes the flag away by all means and several times, and may have prepared something before. */
    static Adversary striker(Attack attack, Path file) throws IOException {
        HostileOperation operation = Objects.requireNonNull(attack.operation);
        return new Adversary(file, Objects.requireNonNull(attack.way), operation.programName());
    }

    /** For an operation of the program that the table hasn't. */
    Adversary(String operation, Path file) throws IOException {
        this(file, operation);
    }

    private Adversary(Path file, String... words) throws IOException {
        other = other(file);
        List<String> command = new ArrayList<>(List.of(words));
        command.add(0, NativeProgram.build("adversary").toString());
        command.add(file.toString());
        process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Thread reader = new Thread(this::readLines, "output of the adversary");
        reader.setDaemon(true);
        reader.start();
        preparation = nextLine();
    }

    /** What gets the blocks of {@code file} in exchange for its own, if the operation is one that needs it. */
    static Path other(Path file) {
        return file.resolveSibling(file.getFileName() + ".other");
    }

    private void readLines() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            lines.add("unreadable " + e);
        }
        lines.add("ended");
    }

    private String nextLine() {
        try {
            String line = lines.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (line == null) {
                throw new AssertionError("the adversary says nothing");
            }
            return line;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    long pid() {
        return process.pid();
    }

    /** "prepared", or "unprepared EPERM" and the like. */
    String preparation() {
        return preparation;
    }

    boolean prepared() {
        return preparation.equals("prepared");
    }

    /** Lets it act and waits for the end of that: "worked", or "refused EPERM" and the like. */
    String act() throws IOException {
        beginToAct();
        return outcome();
    }

    /** Lets it act, which may take long; {@link #outcome} waits. */
    void beginToAct() throws IOException {
        process.getOutputStream().write("go\n".getBytes(StandardCharsets.US_ASCII));
        process.getOutputStream().flush();
    }

    String outcome() {
        return nextLine();
    }

    /** Whether {@link #outcome} would wait. */
    boolean acting() {
        return lines.isEmpty();
    }

    @Override
    public void close() throws IOException {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // It has ended, with input unread: that is what close is for.
        }
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Files.deleteIfExists(other);
    }
}
