package org.vnd.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/**
 * Every program that a test or README starts is in a package that tools/test installs or README names, or in one that no
 * Debian is without.
 */
@Requires(tools = "dpkg-query")
class PackagesTest {
    private static final Path TESTS = Path.of("src/test/java");
    private static final Pattern REQUIRED = Pattern.compile("@Requires\\((?:[^()\"]|\"[^\"]*\")*\\)");
    private static final Pattern NAMED = Pattern.compile("\"([a-z0-9_][a-z0-9_.-]*)\"");
    private static final Pattern STARTED =
            Pattern.compile("(?:Command\\.output|new Command|new ProcessBuilder)\\(\\s*\"([a-z0-9_][a-z0-9_.-]*)\"");

    /** What begins a command in a line of a shell, behind settings of variables and words that take another command. */
    private static final Pattern TYPED =
            Pattern.compile("(?:^|&& |\\| |; |\\$\\(|\\[ )(?:[A-Z]+=\\S* )*([a-z0-9_][a-z0-9_.-]*)(?= |$)");

    /** The shell's own, and ours. */
    private static final Set<String> BUILT_IN =
            Set.of("bash", "cd", "echo", "exec", "export", "java", "kill", "printf", "sh", "test", "true", "vndconfig");

    /** Comes with the C compiler, which the first of README's commands installs. */
    private static final Set<String> OF_THE_BUILD = Set.of("binutils");

    @Test
    void theTestsHaveTheirPrograms() throws Exception {
        Set<String> programs = new TreeSet<>();
        try (Stream<Path> files = Files.walk(TESTS)) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(".java")).toList()) {
                String text = Files.readString(file);
                all(REQUIRED, text)
                        .forEach(match -> all(NAMED, match.group()).forEach(name -> programs.add(name.group(1))));
                all(STARTED, text).forEach(match -> programs.add(match.group(1)));
            }
        }
        assertTrue(programs.size() > 30, programs.toString());
        Matcher list = Pattern.compile("(?s)\npackages=\\((.*?)\\)").matcher(Files.readString(Path.of("tools/test")));
        assertTrue(list.find(), "tools/test has its list");
        Set<String> installed = new HashSet<>(List.of(list.group(1).strip().split("\\s+")));
        assertEquals(List.of(), strangers(programs, installed));
    }

    @Test
    void readmeNamesThePackagesOfItsPrograms() throws Exception {
        Set<String> programs = new TreeSet<>();
        List<String> lines = Files.readAllLines(Path.of("README.md"));
        for (Readme.Step step : Readme.steps(lines)) {
            // Words in quotes are arguments.
            String bare = step.command().replaceAll("'[^']*'", "''");
            all(TYPED, bare).forEach(match -> programs.add(match.group(1)));
        }
        assertTrue(programs.contains("qemu-img") && programs.contains("strings"), programs.toString());
        String line = lines.stream()
                .filter(each -> each.contains("`apt-get install "))
                .findFirst()
                .orElseThrow();
        String packages = line.replaceFirst(".*`apt-get install ([^`]*)`.*", "$1");
        Set<String> installed = new HashSet<>(OF_THE_BUILD);
        installed.addAll(List.of(packages.split(" ")));
        assertEquals(List.of(), strangers(programs, installed));
    }

    private static List<MatchResult> all(Pattern pattern, String text) {
        return pattern.matcher(text).results().toList();
    }

    /** Those of {@code programs} that this machine has from another package, each with it. */
    private static List<String> strangers(Set<String> programs, Set<String> installed) throws IOException {
        Map<String, Set<String>> names = new TreeMap<>();
        Set<String> all = new TreeSet<>();
        for (String program : programs) {
            Optional<Path> path = BUILT_IN.contains(program) ? Optional.empty() : Command.find(program);
            if (path.isPresent()) {
                names.put(program, names(path.get()));
                all.addAll(names.get(program));
            }
        }
        Map<String, String> owners = owners(all);
        Set<String> had = new HashSet<>(installed);
        had.addAll(everywhere(owners.values()));
        List<String> strangers = new ArrayList<>();
        names.forEach((program, each) -> {
            Set<String> owner =
                    each.stream().map(owners::get).filter(Objects::nonNull).collect(Collectors.toSet());
            if (Collections.disjoint(owner, had)) {
                strangers.add(program + " of " + owner);
            }
        });
        return strangers;
    }

    /** What a package may call {@code program}: a link, or where one leads, by way of others; /bin may be /usr/bin. */
    private static Set<String> names(Path program) throws IOException {
        Set<String> names = new TreeSet<>();
        Path path = program;
        while (names.add(path.toString())) {
            names.add(path.toString().replaceFirst("^/usr", ""));
            path = Files.isSymbolicLink(path)
                    ? path.resolveSibling(Files.readSymbolicLink(path)).normalize()
                    : path;
        }
        return names;
    }

    /** The packages of those of {@code files} that are from one. */
    private static Map<String, String> owners(Set<String> files) {
        Map<String, String> owners = new HashMap<>();
        Command search = new Command("dpkg-query", "--search").with(files.toArray());
        search.run().output().lines().map(line -> line.split(": ", 2)).forEach(parts -> {
            if (parts.length == 2 && files.contains(parts[1])) {
                owners.put(parts[1], parts[0].replaceFirst("[:,].*", ""));
            }
        });
        return owners;
    }

    private static Set<String> everywhere(Collection<String> packages) {
        return new Command("dpkg-query", "--show", "--showformat=${Package} ${Essential} ${Priority}\n")
                .with(packages.stream().distinct().toArray())
                .run()
                .succeeded()
                .output()
                .lines()
                .filter(line -> line.contains(" yes ") || line.endsWith(" required"))
                .map(line -> line.replaceFirst(" .*", ""))
                .collect(Collectors.toSet());
    }
}
