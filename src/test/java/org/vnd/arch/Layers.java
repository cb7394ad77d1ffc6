package org.vnd.arch;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The import rules of the design: imports go one way, and each library has one owner. */
final class Layers {
    /** What every package may use: the JDK, and annotations that say what may be null. */
    private static final List<String> EVERYWHERE = List.of("java..", "javax..", "org.jspecify.annotations..");

    /** The packages below org.vnd and those that each may import, beside itself. */
    static final Map<String, List<String>> ALLOWED = Map.ofEntries(
            Map.entry("block", List.of()),
            Map.entry("control", List.of()),
            Map.entry("sys", List.of()),
            Map.entry("node", List.of("sys")),
            Map.entry("proc", List.of("sys")),
            Map.entry("partition", List.of()),
            Map.entry("mem", List.of("sys")),
            Map.entry("ring", List.of("mem", "sys")),
            Map.entry("extent", List.of("mem", "sys")),
            Map.entry("image", List.of("extent", "mem", "proc", "sys")),
            Map.entry("engine", List.of("block", "extent", "image", "ring", "mem", "sys")),
            Map.entry("export", List.of("block", "mem", "node", "partition", "proc", "sys", "ring")),
            Map.entry(
                    "daemon",
                    List.of(
                            "block",
                            "control",
                            "engine",
                            "export",
                            "extent",
                            "image",
                            "mem",
                            "node",
                            "partition",
                            "ring",
                            "sys")),
            Map.entry("cli", List.of("control", "node")));

    /** Libraries that one package alone may import. */
    private static final Map<String, List<String>> LIBRARIES = Map.of("sys", List.of("com.kenai.jffi.."));

    private Layers() {}

    /** Every rule. A package that doesn't exist yet breaks none. */
    static List<ArchRule> rules() {
        List<ArchRule> rules = new ArrayList<>();
        ALLOWED.forEach((name, allowed) -> rules.add(imports(name, allowed)));
        rules.add(slices().matching("org.vnd.export.(*)..")
                .should()
                .notDependOnEachOther()
                .as("exports don't know each other")
                .allowEmptyShould(true));
        rules.add(noClasses()
                .that()
                .resideOutsideOfPackage("org.vnd.sys..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("com.kenai.jffi..", "jnr..")
                .as("only sys calls libc")
                .allowEmptyShould(true));
        rules.add(noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("sun.misc..", "jdk.internal..", "net.openhft..")
                .as("nobody reaches memory without a bounds check")
                .allowEmptyShould(true));
        return rules;
    }

    private static ArchRule imports(String name, List<String> allowed) {
        String[] packages = Stream.of(
                        EVERYWHERE.stream(),
                        LIBRARIES.getOrDefault(name, List.of()).stream(),
                        Stream.concat(Stream.of(name), allowed.stream()).map(other -> "org.vnd." + other + ".."))
                .flatMap(stream -> stream)
                .toArray(String[]::new);
        return classes()
                .that()
                .resideInAPackage("org.vnd." + name + "..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(packages)
                .as(name + " imports only " + String.join(", ", packages))
                .allowEmptyShould(true);
    }
}
