package org.vnd.keeper;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles C programs and runs processes for the tests. */
public final class Native {
    private Native() {}

    /** Compiles the keeper of this checkout to {@code target}, with the warnings its build has. */
    public static void compileKeeper(Path target) throws Exception {
        compile(Path.of("native/keeper.c").toAbsolutePath(), target);
    }

    /** Compiles one C file. */
    public static void compile(Path source, Path target) throws Exception {
        Result result = run(new ProcessBuilder(
                "cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", target.toString(), source.toString()));
        assertEquals(0, result.status(), result.toString());
    }

    /** How a process ended and what it said. */
    public record Result(int status, String output, String error) {}

    /** Runs a process to its end, with nothing on its standard input unless it was redirected. */
    public static Result run(ProcessBuilder builder) throws Exception {
        Path output = Files.createTempFile("vnd-test", ".out");
        Path error = Files.createTempFile("vnd-test", ".err");
        try {
            if (builder.redirectInput() == ProcessBuilder.Redirect.PIPE) {
                builder.redirectInput(Path.of("/dev/null").toFile());
            }
            Process process = builder.redirectOutput(output.toFile())
                    .redirectError(error.toFile())
                    .start();
            if (!process.waitFor(120, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(
                        builder.command() + " hangs: " + Files.readString(output) + Files.readString(error));
            }
            return new Result(process.exitValue(), text(output), text(error));
        } finally {
            Files.delete(output);
            Files.delete(error);
        }
    }

    private static String text(Path path) throws IOException {
        return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    }

    /** A command line from parts that are strings or lists of strings. */
    public static List<String> line(Object... parts) {
        List<String> line = new ArrayList<>();
        for (Object part : Arrays.asList(parts)) {
            if (part instanceof List) {
                for (Object element : (List<?>) part) {
                    line.add(element.toString());
                }
            } else {
                line.add(part.toString());
            }
        }
        return line;
    }
}
