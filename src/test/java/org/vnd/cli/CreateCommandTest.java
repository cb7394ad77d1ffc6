package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.cli.Invocation.Action;
import org.vnd.keeper.Native.Result;

/** {@code create}, and the lines of NetBSD's in which that is a file's or a disk's name. */
class CreateCommandTest extends ProgramTest {
    private static final String CREATE_USAGE = "; usage: vndconfig create [--contiguous] file size";

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "create f 1G > false [f, 1G]",
                "create --contiguous f 1G > true [f, 1G]",
                "create f --contiguous 1G > true [f, 1G]",
                "create f 1G --contiguous > true [f, 1G]",
                "create -- --contiguous 1G > false [--contiguous, 1G]",
                "create - 1G > false [-, 1G]",
                "create create 1G > false [create, 1G]"
            })
    void itIsRead(String line, String expected) throws Exception {
        Invocation invocation = CommandLine.parse(line.split(" "));
        assertEquals(Action.CREATE, invocation.action);
        assertEquals(expected, invocation.contiguous + " " + invocation.operands);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "create > create: a file and its size are needed",
                "create f > create: a file and its size are needed",
                "create f 1G x > create: a file and its size are needed",
                "create -v f 1G > create: unknown option -v",
                "create --json f 1G > create: unknown option --json",
                "create --contiguous=1 f 1G > create: unknown option --contiguous=1"
            })
    void aWrongLineIsRefusedInOne(String line, String message) {
        ProgramException refused = assertThrows(ProgramException.class, () -> CommandLine.parse(line.split(" ")));
        assertEquals(message + CREATE_USAGE, refused.getMessage());
        assertFalse(refused.isUsageShown());
    }

    /** Only the very first word is a subcommand: there NetBSD has an option or a disk, which is never called so. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "-c create > ATTACH [create]",
                "vnd0 create > ATTACH [vnd0, create]",
                "-c vnd0 create > ATTACH [vnd0, create]",
                "-- create f > ATTACH [create, f]",
                "-v create f > ATTACH [create, f]",
                "-u create > DETACH [create]",
                "-l create > LIST [create]",
                "--recover create > RECOVER [create]",
                "Create f 1G > ATTACH [Create, f, 1G]",
                "./create f 1G > ATTACH [./create, f, 1G]"
            })
    void elsewhereItIsAName(String line, String expected) throws Exception {
        Invocation invocation = CommandLine.parse(line.split(" "));
        assertEquals(expected, invocation.action + " " + invocation.operands);
    }

    @Test
    void aFileOfThatNameIsAttached() throws Exception {
        user.image("create");
        assertEquals(said("vnd0\n"), user.run("-c", "create"));
        assertEquals(said(""), user.run("-u", "vnd0"));
        assertEquals(said(""), user.run("vnd1", "create"));
        assertEquals(said(""), user.run("-u", "vnd1"));
        refused("create: opendisk: No such file or directory\n", "-v", "create", "create");
        assertNothingIsLeft();
    }

    @Test
    void whatIsAskedForReachesTheMaker() throws Exception {
        assertEquals(said("new.img: 1 KiB in 1 extent\n"), user.run("create", "new.img", "1K"));
        assertEquals(folder + "/new.img 1024 false", Files.readString(folder.resolve("new.img")));
        assertEquals(said("./b: 1 KiB in 1 extent\n"), user.run("create", "--contiguous", "./b", "3TiB"));
        assertEquals(folder + "/./b 3298534883328 true", Files.readString(folder.resolve("b")));
        assertFalse(Files.exists(user.state.path()), "it needs no state");
    }

    @Test
    void aMakerThatSaysNothingAndIsToldToEndIsNotWaitedFor() throws Exception {
        Process process =
                user.builder(installation.program(), "create", "a.mute", "1K").start();
        while (!Files.exists(folder.resolve("a.mute"))) {
            assertTrue(process.isAlive());
            Thread.sleep(10);
        }
        // Process.destroy would close its streams.
        process.toHandle().destroy();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue());
        assertEquals(
                "vndconfig: " + folder + "/a.mute: not made; what makes it ended without a word (exit status 0)\n",
                new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
    }

    @Test
    void whatGoesWrongIsOneLine() throws Exception {
        refused(folder + "/a.error: is not to be had\n", "create", "a.error", "1K");
        refused(
                folder + "/a.crash: not made; what makes it ended without a word (exit status 7)\n",
                "create",
                "a.crash",
                "1K");
        refused(": No such file or directory\n", "create", "", "1K");
        for (String size : List.of("1X", "", "-1", "1.5G", "1k")) {
            refused(
                    "create: " + size + " is no number of bytes; K, M, G or T after it mean powers of 1024\n",
                    "create",
                    "--",
                    "f",
                    size);
        }
        assertEquals(
                new Result(1, "", "vndconfig: create: unknown option -1" + CREATE_USAGE + "\n"),
                user.run("create", "f", "-1"));
        assertEquals(List.of(), List.of(folder.toFile().list()));
    }
}
