package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.keeper.Native;

class CommandLineTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());

    /** The C library's getopt(3), for comparison: prints options as they come, then the operands. */
    private static final String GETOPT =
            "#define _GNU_SOURCE\n#include <stdio.h>\n#include <string.h>\n#include <unistd.h>\n"
                    + "int main(void) { static char line[65536]; while (fgets(line, sizeof line, stdin)) {\n"
                    + "char *argv[100] = {\"x\"}; int argc = 1, c; line[strcspn(line, \"\\n\")] = 0;\n"
                    + "for (char *p = line; *p; p = p + strlen(p) + 1) { argv[argc++] = p; char *e = strchr(p, 1); if (e) *e = 0; else break; }\n"
                    + "optind = 0; opterr = 0; int bad = 0;\n"
                    + "while (!bad && (c = getopt(argc, argv, \"+:Fcf:lm:rit:uvz\")) != -1) {\n"
                    + "if (c == '?') bad = printf(\"unknown option -- %c\", optopt);\n"
                    + "else if (c == ':') bad = printf(\"option requires an argument -- %c\", optopt);\n"
                    + "else if (optarg && strchr(\"fmt\", c)) printf(\"%c=%s \", c, optarg); else printf(\"%c \", c); }\n"
                    + "if (!bad) for (putchar('|'); optind < argc; optind++) printf(\" %s\", argv[optind]);\n"
                    + "putchar('\\n'); } return 0; }\n";

    @TempDir
    Path folder;

    @Test
    void defaultsAreNetBsds() throws Exception {
        assertEquals("c |", summary(CommandLine.parse(new String[0])));
    }

    @Test
    void flagsAreReadAsTheCLibraryReadsThem() throws Exception {
        Path source = folder.resolve("getopt.c");
        Files.writeString(source, GETOPT);
        Native.compile(source, folder.resolve("getopt"));
        Random random = new Random(SEED);
        List<String[]> lines = new ArrayList<>();
        StringBuilder input = new StringBuilder();
        for (int run = 0; run < 5000; run++) {
            String[] arguments = randomArguments(random);
            lines.add(arguments);
            input.append(String.join("\u0001", arguments)).append('\n');
        }
        Path file = folder.resolve("input");
        Files.writeString(file, input);
        Native.Result result =
                Native.run(new ProcessBuilder(folder.resolve("getopt").toString()).redirectInput(file.toFile()));
        String[] expected = result.output().split("\n");
        int read = 0;
        for (int run = 0; run < lines.size(); run++) {
            String[] arguments = lines.get(run);
            String got;
            try {
                got = summary(CommandLine.parse(arguments));
                read++;
            } catch (ProgramException refused) {
                got = refused.getMessage();
            }
            assertEquals(folded(expected[run]), got, "seed " + SEED + ": " + String.join(" ", arguments));
        }
        assertTrue(read > 500, "seed " + SEED + ": only " + read + " read");
    }

    private static String[] randomArguments(Random random) {
        String[] arguments = new String[1 + random.nextInt(6)];
        for (int i = 0; i < arguments.length; i++) {
            int kind = random.nextInt(12);
            if (kind == 0) {
                arguments[i] = random.nextBoolean() ? "--" : "-";
            } else if (kind < 3) {
                arguments[i] = List.of("vnd0", "7", "/tmp/x", "512/18/2/80").get(random.nextInt(4));
            } else {
                StringBuilder cluster = new StringBuilder("-");
                for (int length = 1 + random.nextInt(4); length > 0; length--) {
                    cluster.append("Fcflmrituvz".charAt(random.nextInt(11)));
                }
                if (random.nextInt(10) == 0) {
                    cluster.append("xq:7?A".charAt(random.nextInt(6)));
                }
                arguments[i] = cluster.toString();
            }
            // A value of -m must be a number, or the comparison ends where getopt(3) does not.
            int minimum = arguments[i].startsWith("-") ? arguments[i].indexOf('m') : -1;
            if (minimum > 0) {
                arguments[i] = arguments[i].substring(0, minimum + 1) + random.nextInt(100);
            }
        }
        return arguments;
    }

    /** What a sequence of options comes to: flags are there or not, the last action and the last value win. */
    private static String folded(String options) {
        int bar = options.indexOf('|');
        if (bar < 0) {
            return options.substring(Math.max(options.indexOf("unknown"), options.indexOf("option requires")));
        }
        Invocation invocation = new Invocation();
        String action = "c";
        for (String option : options.substring(0, bar).split(" ")) {
            String value = option.length() > 1 ? option.substring(2) : "";
            switch (option.isEmpty() ? ' ' : option.charAt(0)) {
                case 'c', 'u', 'l' -> action = option;
                case 'F' -> invocation.force = true;
                case 'r' -> invocation.readOnly = true;
                case 'i' -> invocation.fileEngine = true;
                case 'v' -> invocation.verbose = true;
                case 'z' -> invocation.compressed = invocation.readOnly = true;
                case 'f' -> invocation.disktab = value;
                case 'm' -> invocation.minimumListed = Integer.parseInt(value);
                case 't' -> invocation.diskType = value;
                default -> {}
            }
        }
        return summary(invocation, action) + options.substring(bar + 1);
    }

    private static String summary(Invocation invocation) {
        String action = switch (invocation.action) {
            case ATTACH -> "c";
            case DETACH -> "u";
            case LIST -> "l";
            default -> invocation.action.toString();
        };
        StringBuilder text = new StringBuilder(summary(invocation, action));
        for (String operand : invocation.operands) {
            text.append(' ').append(operand);
        }
        return text.toString();
    }

    private static String summary(Invocation invocation, String action) {
        return action + (invocation.force ? " F" : "") + (invocation.readOnly ? " r" : "")
                + (invocation.fileEngine ? " i" : "") + (invocation.verbose ? " v" : "")
                + (invocation.compressed ? " z" : "")
                + (invocation.disktab.equals(Invocation.DEFAULT_DISKTAB) ? "" : " f=" + invocation.disktab)
                + (invocation.minimumListed == Invocation.DEFAULT_MINIMUM ? "" : " m=" + invocation.minimumListed)
                + (invocation.diskType.isEmpty() ? "" : " t=" + invocation.diskType)
                + " |";
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            ignoreLeadingAndTrailingWhitespace = true,
            nullValues = "",
            value = {
                "-lm 0 > l m=0 |", "-l -m +7 > l m=7 |", "-l -m ' 12' > l m=12 |", "-lm2147483646 > l m=2147483646 |",
                "-c -u -l > l |", "-lc vnd0 > c | vnd0", "-tfloppy vnd0 f > c t=floppy | vnd0 f",
                        "-f --json vnd0 > c f=--json | vnd0",
                "vnd0 f -v > c | vnd0 f -v", "vnd0 -- f > c | vnd0 -- f", "-- -v > c | -v",
                        "-v -- --json > c v | --json",
                "vnd0 -- --json > c | vnd0 -- --json", "- -v > c | - -v"
            })
    void theRestIsReadAsNetBsdReadsIt(String line, String expected) throws Exception {
        assertEquals(expected, summary(CommandLine.parse(words(line))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            ignoreLeadingAndTrailingWhitespace = true,
            value = {
                "-x > unknown option -- x",
                "-lx > unknown option -- x",
                "-: > unknown option -- :",
                "-l- > unknown option -- -",
                "-f > option requires an argument -- f",
                "-lm > option requires an argument -- m",
                "-vt > option requires an argument -- t",
                "-f '' > ''",
                "-m '' > ''",
                "-m x > ''",
                "-m 1x > ''",
                "-m -1 > ''",
                "-m 2147483647 > ''",
                "-m 99999999999999999999 > ''",
                "-m ' ' > ''",
                "--what > unknown option -- what",
                "--what=1 > unknown option -- what",
                "--jso > unknown option -- jso",
                "--Json > unknown option -- Json",
                "--=1 > unknown option -- ''",
                "--engine > option requires an argument -- engine",
                "-c x --offset > option requires an argument -- offset",
                "-l --json=yes > option doesn't take an argument -- json",
                "--help=1 > option doesn't take an argument -- help"
            })
    void anErrorInTheCommandLineShowsTheUsage(String line, String message) {
        ProgramException refused = assertThrows(ProgramException.class, () -> CommandLine.parse(words(line)));
        assertEquals(message.replace("''", ""), refused.getMessage());
        assertTrue(refused.isUsageShown());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            ignoreLeadingAndTrailingWhitespace = true,
            value = {
                "--engine best > --engine: auto, physical or file, not best",
                "--sector-size 0 vnd0 f > --sector-size: 512 or 4096, not 0",
                "--timeout 0 vnd0 f > --timeout: seconds, not 0",
                "--timeout 5s vnd0 f > --timeout: seconds, not 5s",
                "-l --timeout 5 vnd0 > --timeout is for attaching (-c) only",
                "-u --sector-size 512 vnd0 > --sector-size is for attaching (-c) only",
                "--offset 1X > --offset: 1X is no number of bytes; K, M, G or T after it mean powers of 1024",
                "-l --allocate > --allocate is for attaching (-c) only",
                "-u --engine file vnd0 > --engine is for attaching (-c) only",
                "--recover --foreground > --foreground is for attaching (-c) only",
                "--json vnd0 f > --json is for listing (-l) only",
                "-u --json vnd0 > --json is for listing (-l) only",
                "-i --engine physical vnd0 f > -i asks for the file engine, --engine for the physical one"
            })
    void whatDoesNotFitIsOneLine(String line, String message) {
        ProgramException refused = assertThrows(ProgramException.class, () -> CommandLine.parse(words(line)));
        assertEquals(message, refused.getMessage());
        assertEquals(false, refused.isUsageShown());
    }

    @Test
    void longOptionsStandAnywhereBeforeTwoDashes() throws Exception {
        for (String line : List.of(
                "-c --engine=file --offset 4K --sizelimit 1GiB --allocate --foreground --export nbd f",
                "-c f --export=nbd --foreground --engine file --sizelimit=1G --allocate --offset=4096")) {
            Invocation invocation = CommandLine.parse(words(line));
            assertEquals(List.of("f"), invocation.operands);
            assertEquals(
                    "file nbd true true 4096 1073741824",
                    invocation.engine.word() + " " + invocation.export + " " + invocation.allocate + " "
                            + invocation.foreground + " " + invocation.offsetBytes + " " + invocation.sizeLimitBytes);
        }
        assertEquals(Invocation.Action.RECOVER, CommandLine.parse(words("--recover a b")).action);
        assertEquals(Invocation.Action.HELP, CommandLine.parse(words("--help")).action);
        assertEquals(Invocation.Action.VERSION, CommandLine.parse(words("--version")).action);
        assertTrue(CommandLine.parse(words("-l vnd0 --json")).json);
    }

    /** Splits at spaces; '' is an empty word, ' 12' one with a space. */
    private static String[] words(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean quoted = false;
        boolean any = false;
        for (char character : line.toCharArray()) {
            if (character == '\'') {
                quoted = !quoted;
                any = true;
            } else if (character == ' ' && !quoted) {
                if (any) {
                    words.add(word.toString());
                }
                word.setLength(0);
                any = false;
            } else {
                word.append(character);
                any = true;
            }
        }
        if (any) {
            words.add(word.toString());
        }
        return words.toArray(new String[0]);
    }
}
