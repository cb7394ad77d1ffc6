package org.vnd.arch;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.JavaFileObject.Kind;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link Layers} holds for the classes there are, and would notice if it didn't. */
class LayersTest {
    private static final Path CLASSES = Path.of(System.getProperty("vnd.classes", "target/classes"));

    private static final JavaCompiler COMPILER = ToolProvider.getSystemJavaCompiler();
    /** One for all, because opening the JDK's modules takes most of a small compilation. */
    private static final StandardJavaFileManager FILES = COMPILER.getStandardFileManager(null, null, null);

    @TempDir
    private Path compiled;

    @Test
    void importsGoOneWay() {
        JavaClasses classes = new ClassFileImporter().importPath(CLASSES);
        assertTrue(classes.size() > 0, "no classes in " + CLASSES);
        assertEquals("", violations(classes));
    }

    @Test
    void everyPackageHasARule() {
        TreeSet<String> without = new TreeSet<>();
        for (JavaClass each : new ClassFileImporter().importPath(CLASSES)) {
            String name =
                    each.getPackageName().replaceFirst("^org\\.vnd\\.?", "").replaceFirst("\\..*", "");
            if (!Layers.ALLOWED.containsKey(name)) {
                without.add(each.getPackageName());
            }
        }
        assertEquals(List.of(), List.copyOf(without), "packages without a row in Layers.ALLOWED");
    }

    @ParameterizedTest
    @CsvSource({
        "org.vnd.block, org.vnd.sys",
        "org.vnd.control, org.vnd.block",
        "org.vnd.sys, org.vnd.mem",
        "org.vnd.mem, org.vnd.block",
        "org.vnd.partition, org.vnd.sys",
        "org.vnd.ring, org.vnd.block",
        "org.vnd.extent, org.vnd.engine",
        "org.vnd.image, org.vnd.engine",
        "org.vnd.engine, org.vnd.export.nbd",
        "org.vnd.engine, org.vnd.daemon",
        "org.vnd.export.nbd, org.vnd.engine",
        "org.vnd.export.nbd.wire, org.vnd.extent",
        "org.vnd.export.nbd, org.vnd.export.vhost.wire",
        "org.vnd.daemon, org.vnd.cli",
        "org.vnd.cli, org.vnd.daemon",
        "org.vnd.cli, org.vnd.sys",
        "org.vnd.cli, com.kenai.jffi",
        "org.vnd.mem, com.kenai.jffi",
        "org.vnd.daemon, jnr.ffi",
        "org.vnd.daemon, picocli",
        "org.vnd.mem, net.openhft.chronicle.bytes",
    })
    void aForbiddenImportIsFound(String from, String to) {
        String violations = violations(compile(from, to));
        assertTrue(violations.contains(from + ".Importer"), "not found: " + violations);
    }

    @Test
    void unsafeIsFound() {
        Source other = new Source("org.vnd.sys.Other", "package org.vnd.sys; class Other {}");
        String violations = violations(compile("org.vnd.sys", other, "sun.misc.Unsafe"));
        assertTrue(violations.contains("org.vnd.sys.Importer"), "not found: " + violations);
    }

    @ParameterizedTest
    @CsvSource({
        "org.vnd.sys, com.kenai.jffi",
        "org.vnd.sys, org.vnd.sys.abi",
        "org.vnd.cli, org.vnd.control",
        "org.vnd.mem, org.vnd.sys",
        "org.vnd.engine, org.vnd.sys.abi",
        "org.vnd.export.nbd, org.vnd.export.nbd.wire",
        "org.vnd.export.nbd, org.vnd.block",
        "org.vnd.daemon, org.vnd.export.nbd",
        "org.vnd.block, org.jspecify.annotations",
    })
    void anAllowedImportIsNone(String from, String to) {
        assertEquals("", violations(compile(from, to)));
    }

    private static String violations(JavaClasses classes) {
        return Layers.rules().stream()
                .map(rule -> rule.evaluate(classes))
                .filter(result -> result.hasViolation())
                .map(result -> result.getFailureReport().toString())
                .collect(joining("\n"));
    }

    /** A class of package {@code from} with a field of a class in package {@code to}. */
    private JavaClasses compile(String from, String to) {
        return compile(
                from, new Source(to + ".Imported", "package " + to + "; public class Imported {}"), to + ".Imported");
    }

    private JavaClasses compile(String from, Source source, String imported) {
        Source importer = new Source(
                from + ".Importer", "package " + from + "; public class Importer { " + imported + " field; }");
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        List<String> options = List.of("-proc:none", "-d", compiled.toString());
        boolean compiles = COMPILER.getTask(null, FILES, diagnostics, options, null, List.of(importer, source))
                .call();
        assertTrue(compiles, () -> diagnostics.getDiagnostics().toString());
        return new ClassFileImporter().importPath(compiled);
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String name, String text) {
            super(URI.create("string:///" + name.replace('.', '/') + Kind.SOURCE.extension), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public String getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
