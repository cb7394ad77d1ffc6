package org.vnd.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A helper in C under src/test/native, for what Java can't do; compiled on first use. */
public final class NativeProgram {
    private NativeProgram() {}

    /** The program made of all C files of {@code src/test/native/name}, compiled anew when one of them is newer. */
    public static Path build(String name) throws IOException {
        return build(name, List.of());
    }

    /** The same, as a library for LD_PRELOAD. */
    public static Path library(String name) throws IOException {
        return build(name, List.of("-shared", "-fPIC"));
    }

    private static synchronized Path build(String name, List<String> flags) throws IOException {
        Path sources = Path.of("src/test/native", name).toAbsolutePath();
        Path program = Path.of("target/native-test", name).toAbsolutePath();
        List<Path> files = new ArrayList<>();
        try (Stream<Path> all = Files.list(sources)) {
            all.sorted().forEach(files::add);
        }
        if (Files.exists(program) && newest(files) <= program.toFile().lastModified()) {
            return program;
        }
        Files.createDirectories(program.getParent());
        Command compiler = new Command("cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program)
                .with(flags.toArray());
        files.stream().filter(file -> file.toString().endsWith(".c")).forEach(compiler::with);
        compiler.run().succeeded();
        return program;
    }

    private static long newest(List<Path> files) {
        return files.stream()
                .map(file -> file.toFile().lastModified())
                .max(Comparator.naturalOrder())
                .orElseThrow();
    }
}
