package org.vnd.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;

/** tools/test with a Maven that only tells how it was started. */
class TestsCommandTest {
    private static final String COUNT = "Tests run: 3, Failures: 0, Errors: 0, Skipped: 1";
    private static final String FAILED = "Tests run: 0, Failures: 0, Errors: 1, Skipped: 0";

    /** SIGHUP, SIGINT and SIGQUIT. */
    private static final long OF_TERMINALS = 0b111;

    @TempDir
    private Path folder;

    @BeforeEach
    void nothingIsToBeInstalled() throws IOException {
        program("dpkg-query", "printf 'installed %s\\n' \"$@\"");
    }

    private void program(String name, String... lines) throws IOException {
        Path program = folder.resolve(name);
        Files.writeString(program, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
        assertTrue(program.toFile().setExecutable(true));
    }

    private Command tests(Object... before) {
        return new Command(before)
                .with(Path.of("tools/test").toAbsolutePath(), "-Dgiven=yes")
                .environment("PATH", folder + ":" + System.getenv("PATH"))
                .environment("VND_BUILD", folder.resolve("build").toString());
    }

    @Test
    void byNohupAndWithoutLocaleItIsAsAtATerminal() throws Exception {
        program(
                "mvn",
                "sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status",
                "echo \"$LC_ALL\"",
                "echo \"$@\"",
                "echo '" + COUNT + "'");
        Command.Result result = tests(
                        "env", "--unset=LANG", "LC_ALL=POSIX", "nohup", "sh", "-c", "\"$0\" \"$@\" & wait $!")
                .run()
                .succeeded();
        List<String> lines = result.output().lines().toList();
        assertEquals(0, Long.parseUnsignedLong(lines.get(0), 16) & OF_TERMINALS, lines.get(0));
        assertEquals("C.UTF-8", lines.get(1));
        assertTrue(lines.get(2).endsWith(" -Dgiven=yes verify"), lines.get(2));
        assertEquals(COUNT, lines.get(lines.size() - 1));
    }

    @Test
    void aBuildThatFailsBeforeTheTestsIsAnError() throws Exception {
        program("mvn", "echo no", "exit 3");
        Command.Result result = tests().run().exited(1);
        assertTrue(result.output().endsWith("\n" + FAILED + "\n"), result.toString());
    }

    /** Before that is the leader of a group. */
    @Test
    void whoEndsItEarlyEndsWhatItStarts() throws Exception {
        Path started = folder.resolve("started");
        program("setsid", "echo $$ >" + started, "exec sleep 600");
        program("mvn", "echo never");
        try (Command.Running tests = tests().limitSeconds(60).start()) {
            while (Files.notExists(started)) {
                assertTrue(tests.alive(), tests.errors());
                Thread.sleep(10);
            }
            new Command("kill", "-TERM", tests.pid()).run().succeeded();
            assertEquals(FAILED + "\n", tests.await(60).exited(1).output());
        }
    }

    @Test
    void whoEndsItEndsWhatItStarted() throws Exception {
        for (String signal : List.of("TERM", "INT", "HUP")) {
            Path started = folder.resolve("started");
            program("mvn", "echo $$ >" + started + ".new && mv " + started + ".new " + started, "exec sleep 600");
            try (Command.Running tests =
                    tests("env", "--default-signal=HUP,INT").limitSeconds(60).start()) {
                while (Files.notExists(started)) {
                    assertTrue(tests.alive(), tests.errors());
                    Thread.sleep(10);
                }
                long maven = Long.parseLong(Files.readString(started).strip());
                new Command("kill", "-" + signal, tests.pid()).run().succeeded();
                Command.Result result = tests.await(60).exited(1);
                assertTrue(result.errors().endsWith("tools/test: ended by a signal\n"), result.toString());
                assertEquals(FAILED + "\n", result.output());
                assertFalse(ProcessHandle.of(maven).isPresent(), signal);
            }
            Files.delete(started);
        }
    }
}
