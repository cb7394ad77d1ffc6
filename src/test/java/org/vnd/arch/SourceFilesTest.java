package org.vnd.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files stay small, and every package says what it is for. */
class SourceFilesTest {
    private static final int MAXIMUM_LINES = 500;
    /** A conformance test is one list of what an interface promises, read from top to bottom. */
    private static final int MAXIMUM_TEST_LINES = 600;

    private static final int MAXIMUM_KEEPER_LINES = 300;
    private static final Path ROOT = Path.of(System.getProperty("basedir", "."));
    private static final Path MAIN = ROOT.resolve("src/main/java");
    private static final Path TEST = ROOT.resolve("src/test/java");

    private static final Pattern CAUGHT_AND_THROWN =
            Pattern.compile("catch \\(([^)]*) (\\w+)\\) \\{[^}]*?throw \\2;", Pattern.DOTALL);

    @TempDir
    private Path scratch;

    @Test
    void filesAreShort() throws IOException {
        List<Path> files = new ArrayList<>(files(ROOT.resolve("src/main")));
        files.addAll(files(ROOT.resolve("native")));
        files.addAll(files(ROOT.resolve("tools")));
        assertTrue(files.size() > 1, "no files in " + ROOT.toAbsolutePath());
        assertEquals(List.of(), longer(files, MAXIMUM_LINES));
        assertEquals(List.of(), longer(files(ROOT.resolve("src/test")), MAXIMUM_TEST_LINES));
    }

    @Test
    void theKeeperIsShorter() throws IOException {
        List<Path> keeper = files(ROOT.resolve("native")).stream()
                .filter(file -> file.endsWith("keeper.c"))
                .toList();
        assertEquals(List.of(), longer(keeper, MAXIMUM_KEEPER_LINES));
    }

    @Test
    void everyPackageSaysWhatItIsFor() throws IOException {
        assertEquals(List.of(), silentPackages(MAIN, TEST));
    }

    /** With assertions on, a defect is an Error: what was made is taken away after it as after any other failure. */
    @Test
    void whoCleansUpAfterADefectDoesSoAfterAnError() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : files(MAIN)) {
            found.addAll(withoutErrors(file));
        }
        assertEquals(List.of(), found);
    }

    @Test
    void aCleaningUpThatLeavesErrorsOutIsFound() throws IOException {
        Path file = Files.writeString(scratch.resolve("Cleans.java"), """
                } catch (IOException | RuntimeException | Error e) {
                    close();
                    throw e;
                } catch (IOException | RuntimeException e) {
                    close();
                    throw e;
                } catch (RuntimeException e) {
                    return null;
                }
                """);
        assertEquals(List.of(file + ": IOException | RuntimeException"), withoutErrors(file));
    }

    @Test
    void aLongFileIsFound() throws IOException {
        Path file = Files.writeString(scratch.resolve("Long.java"), "//\n".repeat(MAXIMUM_LINES + 1));
        assertEquals(List.of(file + ": 501 lines"), longer(List.of(file), MAXIMUM_LINES));
    }

    @Test
    void aSilentPackageIsFound() throws IOException {
        Path silent = Files.createDirectories(scratch.resolve("main/org/vnd/silent"));
        Files.writeString(silent.resolve("Silent.java"), "package org.vnd.silent;\n");
        assertEquals(List.of("org/vnd/silent"), silentPackages(scratch.resolve("main"), scratch.resolve("test")));
        Files.createDirectories(scratch.resolve("test"));
        Files.writeString(silent.resolve("package-info.java"), "/** Speaks. */\npackage org.vnd.silent;\n");
        assertEquals(List.of(), silentPackages(scratch.resolve("main"), scratch.resolve("test")));
    }

    private static List<String> longer(List<Path> files, int maximumLines) {
        return files.stream()
                .filter(file -> lines(file) > maximumLines)
                .map(file -> file + ": " + lines(file) + " lines")
                .toList();
    }

    /** What is caught, in {@code file}, and thrown again, of which Errors are no part although defects are. */
    private static List<String> withoutErrors(Path file) throws IOException {
        return CAUGHT_AND_THROWN
                .matcher(Files.readString(file, StandardCharsets.ISO_8859_1))
                .results()
                .map(each -> each.group(1))
                .filter(caught -> caught.contains("RuntimeException") && !caught.contains("Error"))
                .map(caught -> file + ": " + caught)
                .toList();
    }

    /** Packages with Java files and without a package-info.java, in a tree of sources or of tests that go with it. */
    private static List<String> silentPackages(Path main, Path test) throws IOException {
        return Stream.concat(packages(main), packages(test))
                .distinct()
                .filter(each -> Stream.of(main, test)
                        .noneMatch(tree -> Files.exists(tree.resolve(each).resolve("package-info.java"))))
                .map(Path::toString)
                .sorted()
                .toList();
    }

    private static Stream<Path> packages(Path tree) throws IOException {
        return files(tree).stream()
                .filter(file -> file.toString().endsWith(".java"))
                .map(file -> tree.relativize(file.getParent()));
    }

    private static List<Path> files(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(tree)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    private static long lines(Path file) {
        // Latin-1 takes any byte: a test resource may be no text at all.
        try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            return lines.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
