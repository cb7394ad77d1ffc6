package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.keeper.Native;
import org.vnd.keeper.Native.Result;

/** What the program refuses: NetBSD's lines byte by byte where NetBSD refuses it too, and nothing changed. */
class RefusalTest extends ProgramTest {
    @Test
    void refusalsAreNetBsdsLines() throws Exception {
        user.image("a.img");
        Files.createFile(folder.resolve("b.img"));
        for (List<String> wrong : List.of(
                List.<String>of(),
                List.of("vnd0"),
                List.of("a.img"),
                List.of("-c"),
                List.of("vnd0", "a.img", "512/18/2/80", "x"),
                List.of("-t", "floppy", "vnd0", "a.img", "512/18/2/80"),
                List.of("-u"),
                List.of("-u", "vnd0", "vnd1"),
                List.of("-u", "-t", "x", "vnd0"))) {
            assertEquals(new Result(1, "", USAGE), user.run(wrong.toArray()), wrong.toString());
        }
        refused("unknown option -- q\n" + USAGE, "-q");
        refused("option requires an argument -- f\n" + USAGE, "-f");
        refused("disk: opendisk: No such file or directory\n", "disk", "a.img");
        refused("/dev/sd0: opendisk: No such file or directory\n", "-u", "/dev/sd0");
        refused("none: No such file or directory\n", "vnd0", "none");
        refused("none: No such file or directory\n", "-c", "none");
        refused("a.img/x: Not a directory\n", "vnd0", "a.img/x");
        refused(folder + ": Is a directory\n", "vnd0", folder);
        refused(
                "vnd0: VNDIOCSET: Operation not supported (" + folder + " is not a regular file)\n",
                "-r",
                "vnd0",
                folder);
        refused("vnd0: VNDIOCSET: Operation not supported (/dev/null is not a regular file)\n", "vnd0", "/dev/null");
        refused("invalid geometry: 512/18/2\n", "vnd0", "none", "512/18/2");
        refused(
                "vnd0: VNDIOCSET: Invalid argument (geometry 512/18/2/81 is larger than 1474560 bytes)\n",
                "vnd0",
                "a.img",
                "512/18/2/81");
        refused(
                "vnd0: VNDIOCSET: Invalid argument (geometry 512/1/1/2 is larger than 512 bytes)\n",
                "--sizelimit=512",
                "vnd0",
                "a.img",
                "512/1/1/2");
        refused(
                "vnd0: VNDIOCSET: Invalid argument (the sector size must be a power of two from 512 to 65536)\n",
                "vnd0",
                "a.img",
                "500/18/2/8");
        refused(
                "b.img: VNDIOCSET: Invalid argument (geometry 512/1/1/1 is larger than 0 bytes)\n",
                "-c",
                "-t",
                "one",
                "-f",
                tab("one:ns#1:nt#1:nc#1:"),
                "b.img");
        refused("unknown disk type: floppy\n", "-t", "floppy", "-f", "none", "vnd0", "a.img");
        refused("a.img: compressed images (-z) are not supported; uncompress it first\n", "-z", "vnd0", "a.img");
        refused(
                "there is no export iscsi, only auto, loop, dm, ublk, nbd-kernel, fuse+loop, fuse, nbd\n",
                "--export=iscsi",
                "vnd0",
                "a.img");
        refused("--timeout: 1 to 65535 seconds, not 65536\n", "--timeout=65536", "vnd0", "a.img");
        refused("--sector-size: 512 or 4096, not 2048\n", "--sector-size=2K", "vnd0", "a.img");
        refused(
                "--sector-size 4096 and the geometry 512/18/2/80 contradict each other\n",
                "--sector-size",
                "4K",
                "vnd0",
                "a.img",
                "512/18/2/80");
        refused(
                "vnd0: VNDIOCSET: Invalid argument (no cylinder of 512/18/200/0 fits into 1474560 bytes)\n",
                "vnd0",
                "a.img",
                "512/18/200/0");
        refused("vnd2: VNDIOCCLR: Device not configured\n", "-u", "vnd2");
        assertEquals(
                new Result(1, "vnd1: not in use\n", "vndconfig: open: disk: No such file or directory\n"),
                user.run("-l", "disk", "vnd1"));
        assertFalse(Files.exists(user.state.path()), "nothing changed");
    }

    @Test
    void aBusyUnitAndABusyDiskAreRefused() throws Exception {
        user.image("a.busy");
        assertEquals(said(""), user.run("vnd1", "a.busy"));
        refused("vnd1: VNDIOCSET: Device busy\n", "vnd1", "a.busy");
        refused("vnd1: VNDIOCCLR: Device busy (2 clients are connected; -F detaches all the same)\n", "-u", "vnd1");
        assertTrue(UnitLock.isHeld(user.state.lockFile(new Unit(1))));
        assertEquals(said(""), user.run("-u", "-F", "vnd1"));
        assertNothingIsLeft();
    }

    @Test
    void aRefusedAttachIsOneLineAndNothingIsLeft() throws Exception {
        Path image = user.image("a.error");
        refused(image + ": is not to be had\n", "vnd0", "a.error");
        refused(image + ": is not to be had\n", "-c", "a.error");
        assertNothingIsLeft();
    }

    @Test
    void aNameThatIsNotTextIsRefusedClearly() throws Exception {
        String script = "cd \"$1\" && touch \"$(printf 'a\\377')\" && shift && exec \"$@\" -c \"$(printf 'a\\377')\"";
        Result result = Native.run(user.builder(
                List.of("/bin/sh", "-c", script, "sh", folder.toString()),
                installation.program().toArray()));
        assertEquals(
                new Result(
                        1,
                        "",
                        "vndconfig: a\ufffd: file names must be in UTF-8: rename it, or give it a second name (ln)\n"),
                result);
        user.image("\u00e9");
        String accented = "cd \"$1\" && shift && exec \"$@\" -c \"$(printf '\\303\\251')\"";
        ProcessBuilder posix = user.builder(
                List.of("/bin/sh", "-c", accented, "sh", folder.toString()),
                installation.program().toArray());
        posix.environment().put("LC_ALL", "C");
        Result inC = Native.run(posix);
        assertEquals(1, inC.status());
        assertTrue(inC.error().endsWith("; set LC_ALL=C.UTF-8, or rename the file\n"), inC.toString());
    }

    @Test
    void aBrokenRecordIsSaidAndTheOthersAreListed() throws Exception {
        user.image("a.img");
        assertEquals(said("vnd0\n"), user.run("-c", "a.img"));
        Path broken = user.state.record(new Unit(1));
        Files.createDirectories(broken.getParent());
        Files.writeString(broken, "{");
        Result result = user.run("-l");
        String line = "vndconfig: " + broken + ": not the record of a disk: ends too early at character 1"
                + " (vndconfig -u -F vnd1 gives the disk up)\n";
        assertEquals(line, result.error());
        assertEquals(1, result.status());
        assertTrue(
                result.output().startsWith("vnd0: /fake ")
                        && result.output().endsWith("vnd2: not in use\nvnd3: not in use\n"),
                result.toString());
    }

    /** A file name that Java can't express, where nobody reckons with one: the launcher's own folder. */
    @Test
    void aDefectIsOneLineAndNoStackTrace() throws Exception {
        user.image("a.img");
        for (String verbose : List.of("-c", "-cv")) {
            ProcessBuilder builder = user.builder(installation.program("-Dvnd.home=/caf\u00e9"), verbose, "a.img");
            builder.environment().put("LC_ALL", "C");
            Result result = Native.run(builder);
            assertEquals(1, result.status());
            assertTrue(
                    result.error().startsWith("vndconfig: a defect in vndconfig: java.nio.file.InvalidPathException: "),
                    result.toString());
            assertEquals(1, result.error().lines().count(), result.toString());
            assertEquals(
                    verbose.equals("-cv"), result.error().contains(" at org.vnd.cli.Main.main("), result.toString());
        }
    }

    @Test
    void outputThatCannotBeWrittenIsAnError() throws Exception {
        List<Object> full = new ArrayList<>(List.of("-c", "\"$@\" >/dev/full", "sh"));
        full.addAll(installation.program());
        full.add("-l");
        assertEquals(
                new Result(1, "", "vndconfig: standard output: No space left on device\n"),
                Native.run(user.builder(List.of("/bin/sh"), full.toArray())));
        full.set(1, "\"$@\" | :");
        assertEquals(new Result(0, "", ""), Native.run(user.builder(List.of("/bin/sh"), full.toArray())));
    }

    @Test
    void aStateFolderThatCannotBeIsRefused() throws Exception {
        user.image("a.img");
        ProcessBuilder longPath = user.builder(installation.program(), "-c", "a.img");
        longPath.environment().put("VND_STATE", "/" + "x".repeat(100));
        assertEquals(
                new Result(
                        1,
                        "",
                        "vndconfig: /" + "x".repeat(100)
                                + ": the path of the state folder is too long for a Unix socket\n"),
                Native.run(longPath));
        ProcessBuilder nowhere = user.builder(installation.program(), "-c", "a.img");
        nowhere.environment().put("VND_STATE", folder + "/none/state");
        assertEquals(
                new Result(
                        1,
                        "",
                        "vndconfig: " + folder
                                + "/none/state: the state folder can't be made: No such file or directory"
                                + " (VND_STATE names another)\n"),
                Native.run(nowhere));
    }

    private String tab(String text) throws Exception {
        return Files.writeString(folder.resolve("tab"), text).toString();
    }
}
