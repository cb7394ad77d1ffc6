package org.vnd.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A process with a time limit whose output is captured. When the time is up it and what it started are killed, by
 * process id.
 *
 * <p>The output goes to temporary files rather than pipes: a process that leaves a child behind with its descriptors
 * open (a daemon does) can't hold the test up.
 */
public final class Command {
    /** How it ended. */
    public record Result(List<String> words, int exitCode, String output, String errors) {
        /** This, if the exit code is 0; otherwise an error with all that is known. */
        public Result succeeded() {
            if (exitCode != 0) {
                throw new AssertionError(this);
            }
            return this;
        }

        /** This, if the exit code is {@code expected}. */
        public Result exited(int expected) {
            if (exitCode != expected) {
                throw new AssertionError("expected exit code " + expected + " from " + this);
            }
            return this;
        }

        @Override
        public String toString() {
            return String.join(" ", words) + " → exit code " + exitCode + "\n" + output + errors;
        }
    }

    /** Searched in this order, whatever PATH says: the tools of file systems are in sbin, which users don't have. */
    private static final List<String> DIRECTORIES =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    private final List<String> words = new ArrayList<>();
    private final Map<String, String> environment = new HashMap<>();
    private long limitSeconds = 60;
    private Path directory;
    private byte[] input = {};

    /** A program and its arguments, each turned into text by toString. */
    public Command(Object... words) {
        for (Object word : words) {
            this.words.add(word.toString());
        }
    }

    /** Runs {@code words} for at most a minute and requires exit code 0. Returns standard output, trimmed. */
    public static String output(Object... words) {
        return new Command(words).run().succeeded().output().trim();
    }

    /** Where the program {@code name} is, if this machine has it. */
    public static Optional<Path> find(String name) {
        return DIRECTORIES.stream()
                .map(directory -> Path.of(directory, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Adds arguments. */
    public Command with(Object... more) {
        for (Object word : more) {
            words.add(word.toString());
        }
        return this;
    }

    /** Allows {@code seconds} instead of 60. */
    public Command limitSeconds(long seconds) {
        limitSeconds = seconds;
        return this;
    }

    /** Sets an environment variable. */
    public Command environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** Runs in {@code path}. */
    public Command directory(Path path) {
        directory = path;
        return this;
    }

    /** Gives {@code text} on standard input, which is empty otherwise. */
    public Command input(String text) {
        input = text.getBytes(StandardCharsets.UTF_8);
        return this;
    }

    /** Runs it to its end. Any exit code is an answer; running out of time is an error. */
    public Result run() {
        try (Running running = start()) {
            return running.await(limitSeconds);
        }
    }

    /** Starts it and leaves it running; closing what this returns kills it. */
    public Running start() {
        try {
            Path scratch = Files.createTempDirectory("vnd-command-");
            Path in = Files.write(scratch.resolve("in"), input);
            Path out = scratch.resolve("out");
            Path err = scratch.resolve("err");
            List<String> located = new ArrayList<>(words);
            find(words.get(0)).ifPresent(path -> located.set(0, path.toString()));
            ProcessBuilder builder = new ProcessBuilder(located);
            builder.redirectInput(in.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
            builder.environment().putAll(environment);
            if (directory != null) {
                builder.directory(directory.toFile());
            }
            return new Running(List.copyOf(words), builder.start(), scratch);
        } catch (IOException e) {
            throw new UncheckedIOException(String.join(" ", words), e);
        }
    }

    /** A process that has been started. */
    public static final class Running implements AutoCloseable {
        private final List<String> words;
        private final Process process;
        private final Path scratch;

        private Running(List<String> words, Process process, Path scratch) {
            this.words = words;
            this.process = process;
            this.scratch = scratch;
        }

        public long pid() {
            return process.pid();
        }

        public boolean alive() {
            return process.isAlive();
        }

        /** Standard output so far. */
        public String output() {
            return read("out");
        }

        /** Standard error so far. */
        public String errors() {
            return read("err");
        }

        /** Waits for the end; kills it and fails when that takes longer than {@code seconds}. */
        public Result await(long seconds) {
            try {
                if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                    String seen = output() + errors();
                    kill();
                    throw new AssertionError(
                            String.join(" ", words) + " → killed after " + seconds + " seconds\n" + seen);
                }
                return new Result(words, process.exitValue(), output(), errors());
            } catch (InterruptedException e) {
                kill();
                Thread.currentThread().interrupt();
                throw new AssertionError(String.join(" ", words) + " → interrupted", e);
            }
        }

        /** SIGKILL to it and its descendants, each by its id, and waits until it is gone. */
        public void kill() {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            try {
                process.waitFor(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void close() {
            if (process.isAlive()) {
                kill();
            }
            for (String name : List.of("in", "out", "err", "")) {
                try {
                    Files.deleteIfExists(scratch.resolve(name));
                } catch (IOException e) {
                    System.err.println("left behind: " + scratch.resolve(name) + ": " + e);
                }
            }
        }

        private String read(String name) {
            try {
                return new String(Files.readAllBytes(scratch.resolve(name)), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
