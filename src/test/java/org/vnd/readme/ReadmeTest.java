package org.vnd.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** Types every command of README.md, in order, and compares what is printed with what stands there. */
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "unshare",
            "nsenter",
            "setpriv",
            "nbdcopy",
            "nbdinfo",
            "qemu-img",
            "qemu-io",
            "fincore",
            "qemu-system-x86_64"
        })
@Timeout(900)
class ReadmeTest {
    private static final Path README = Path.of("README.md");

    /** The one command that can't be typed: it runs this very test. */
    private static final String TESTS = "tools/test";

    /** The first run of a new build makes its class archives, and says so; README tells that in words. */
    @BeforeAll
    static void runFirst() {
        new Command("tools/vndconfig", "--version").limitSeconds(300).run().succeeded();
    }

    @Test
    void whatItShowsIsWhatOneSees() throws Exception {
        List<Readme.Step> steps = Readme.steps(Files.readAllLines(README));
        assertTrue(steps.size() > 20, "no commands in it");
        List<String> wrong = new ArrayList<>();
        int typed = 0;
        int checked = 0;
        try (Machine machine = new Machine()) {
            for (Readme.Step step : steps) {
                if (step.command().equals(TESTS)) {
                    checkTests();
                    checked++;
                    continue;
                }
                String expected = Likeness.of(String.join("\n", step.output()));
                String printed = Likeness.of(machine.type(step.root(), step.command()));
                if (!printed.equals(expected)) {
                    wrong.add(README + ":" + step.line() + ": " + step.command() + "\n" + printed + "\n");
                }
                typed++;
            }
        }
        assertEquals(List.of(), wrong, "commands that print something else");
        assertEquals(1, checked, TESTS + " is one of the two commands");
        assertEquals(steps.size(), typed + checked);
    }

    /** That it is there, may be run, and is a script without a mistake in its grammar. */
    private static void checkTests() {
        assertTrue(Files.isExecutable(Path.of(TESTS)));
        new Command("bash", "-n", TESTS).run().succeeded();
        // It gets as far as its own arguments.
        Command.Result result =
                new Command("bash", TESTS, "--jdk", "none").run().exited(1);
        assertTrue(result.errors().contains("--jdk none: no such JDK"), result.toString());
    }

    @Test
    void everyOptionItNamesExists() throws Exception {
        String help = new Command("tools/vndconfig", "--help").run().succeeded().output();
        List<String> unknown = new ArrayList<>();
        Matcher option = Pattern.compile("`(--?[A-Za-z]+(?:-[a-z]+)*)[^`]*`").matcher(Files.readString(README));
        int found = 0;
        while (option.find()) {
            found++;
            if (!help.contains(" " + option.group(1) + " ")) {
                unknown.add(option.group(1));
            }
        }
        assertEquals(List.of(), unknown);
        assertTrue(found > 5, "it names options");
    }
}
