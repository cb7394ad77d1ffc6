package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;
import org.vnd.keeper.Native;
import org.vnd.keeper.Native.Result;
import org.vnd.lab.TimedRead;

/** The program as it is typed: command line, keeper, and a daemon that keeps the contract without having a disk. */
class EndToEndTest extends ProgramTest {
    @Test
    void aDiskIsAttachedListedAndDetached() throws Exception {
        assertEquals(said(NONE), user.run("-l"));
        Path image = user.image("a.img");
        assertEquals(said("vnd0\n"), user.run("-c", "a.img"));
        long inode = (Long) Files.getAttribute(image, "unix:ino");
        String line = ": /fake (/dev/fake1) inode " + inode + "\n";
        assertEquals(said("vnd0" + line + NONE.substring(NONE.indexOf("vnd1"))), user.run("-l"));
        assertEquals(said(""), user.run("-r", "/dev/rvnd5d", "a.img"));
        assertEquals(
                said("vnd0" + line + NONE.substring(NONE.indexOf("vnd1")) + "vnd4: not in use\nvnd5" + line),
                user.run("-l"));
        assertEquals(said("vnd0" + line + "vnd5" + line), user.run("-l", "-m", "0"));
        assertEquals(said("vnd5" + line + "vnd9: not in use\n"), user.run("-l", "vnd5", "vnd9"));
        assertEquals(said("vnd5" + line), user.run("-lm0", "vnd5", "vnd9"));

        UnitRecord record = UnitRecord.read(user.state.record(new Unit(5))).orElseThrow();
        String devices = "{\"devices\":[%s{\"unit\":\"vnd5\",\"file\":\"" + image
                + "\",\"size\":1474560,\"readonly\":true,\"engine\":\"file\","
                + "\"engineReason\":\"it is a fake\",\"io\":\"threads\",\"extents\":0,\"exports\":[{\"type\":\"nbd\",\"uri\":\"nbd+unix:///?socket="
                + user.state.folder(new Unit(5)) + "/nbd.sock\"}],\"pid\":" + record.pid()
                + ",\"state\":\"attached\",\"sectorSize\":512,\"offset\":0,\"without\":[" + without(record) + "]}]}\n";
        assertEquals(said(String.format(devices, "")), user.run("-l", "--json", "vnd5", "vnd6"));
        Result all = user.run("--json", "-l");
        assertTrue(
                all.output().startsWith("{\"devices\":[{\"unit\":\"vnd0\",")
                        && all.output().endsWith(devices.substring(devices.indexOf("%s") + 2)),
                all.toString());

        Result details = user.run("-lv", "vnd5");
        assertTrue(
                details.output()
                        .startsWith("vnd5" + line + "\tfile: " + image + "\n\tsize: 1474560\n\taccess: read-only\n"
                                + "\tengine: file: it is a fake\n\tio: threads\n\textents: 0\n\tnbd: nbd+unix:///?socket="
                                + user.state.folder(new Unit(5))
                                + "/nbd.sock\n\tpid: " + record.pid() + "\n"),
                details.toString());

        assertEquals(said(""), user.run("-u", "vnd0"));
        Result cleared = user.run("-u", "-v", "/dev/vnd5d");
        assertEquals("vnd5: cleared\n", cleared.output());
        assertEquals(0, cleared.status());
        assertEquals(said(NONE), user.run("-l"));
        assertEquals(said("{\"devices\":[]}\n"), user.run("-l", "--json"));
        assertNothingIsLeft();
    }

    private static String without(UnitRecord record) {
        return record.unprotected().stream().map(each -> '"' + each + '"').collect(Collectors.joining(","));
    }

    @Test
    void whatIsAskedForReachesTheDaemon() throws Exception {
        Path image = user.image("a.img");
        Result result =
                user.run("-cvi", "--offset=1M", "--sizelimit", "400K", "--allocate", "vnd3", "a.img", "4096/1/1/0");
        assertEquals("vnd3: 1474560 bytes on a.img using geometry 4096/1/1/0\n", result.output());
        assertEquals(
                "vndconfig: arguments [--file, " + image
                        + ", --engine, file, --export, nbd, --allocate, --offset, 1048576,"
                        + " --size-limit, 409600, --geometry, 4096/1/1/0]",
                result.error().lines().findFirst().orElseThrow());
        Files.writeString(folder.resolve("tab"), "floppy:ns#18:nt#2:nc#80:\n");
        assertEquals(
                "vnd4: 1474560 bytes on a.img using geometry 512/18/2/80\n",
                user.run("-v", "-t", "floppy", "-f", folder.resolve("tab"), "vnd4", "a.img")
                        .output());
        assertEquals(
                "vnd0\nvnd0: 1474560 bytes on " + image + "\n",
                user.run("-cv", "--engine=physical", image).output());
    }

    @Test
    void crashesAreSaidAndRecovered() throws Exception {
        user.image("a.crash");
        refused(
                "vnd0: its daemon ended with status 3 before the disk was ready: out of luck (its log: "
                        + user.state.log(VND0) + ")\n",
                "-c",
                "a.crash");
        assertEquals(said(NONE), user.run("-l"), "nothing was touched yet");
        assertTrue(Files.exists(user.state.log(VND0)), "it can be looked at");
        assertEquals(said("no disk has crashed\n"), user.run("--recover"));
        assertNothingIsLeft();
        assertEquals(1, user.run("-c", "a.crash").status());
        Path other = user.image("other.img");
        assertEquals(said("recovered " + other + "\n"), user.run("--recover", "other.img"));
        assertNothingIsLeft();

        Path attaching = user.image("a.crash-attaching");
        assertEquals(1, user.run("-c", "a.crash-attaching").status());
        String rest = NONE.substring(NONE.indexOf("vnd1"));
        assertEquals(said("vnd0: crashed, " + attaching + " (vndconfig --recover)\n" + rest), user.run("-l"));
        assertEquals(
                said("{\"devices\":[{\"unit\":\"vnd0\",\"file\":\"" + attaching
                        + "\",\"size\":0,\"readonly\":false,\"engine\":\"\",\"engineReason\":\"\","
                        + "\"io\":\"\",\"extents\":0,\"exports\":[],\"pid\":0,\"state\":\"crashed\",\"sectorSize\":0,"
                        + "\"offset\":0,\"without\":[]}]}\n"),
                user.run("-l", "--json"));
        assertEquals(
                new Result(
                        0,
                        "recovered " + attaching + "\n",
                        "vndconfig: vnd0: its daemon crashed; recovering " + attaching + "\n"),
                user.run("-u", "vnd0"));
        assertTrue(Files.exists(Path.of(attaching + ".recovered")));
        assertNothingIsLeft();

        Path detaching = user.image("a.crash-detaching");
        assertEquals(said("vnd0\n"), user.run("-c", "a.crash-detaching"));
        refused(
                "vnd0: the daemon ended before it had detached the disk; run vndconfig -u vnd0 again to recover the file\n",
                "-u",
                "vnd0");
        assertEquals(said("recovered " + detaching + "\n"), user.run("--recover"));
        assertNothingIsLeft();
        assertEquals(said("no disk has crashed\n"), user.run("--recover"));

        assertEquals(said("vnd0\n"), user.run("-c", "a.crash-detaching"));
        assertEquals(1, user.run("-u", "vnd0").status());
        Path link = Files.createSymbolicLink(folder.resolve("link"), detaching);
        assertEquals(said("recovered " + link + "\n"), user.run("--recover", "link"));
        assertNothingIsLeft();
    }

    @Test
    void whatCannotBeRecoveredStaysListed() throws Exception {
        Path image = user.image("a.lost");
        assertEquals(said("vnd0\n"), user.run("-c", "a.lost"));
        kill("KILL", UnitRecord.read(user.state.record(VND0)).orElseThrow().pid());
        awaitFree();
        refused(image + ": is lost\n", "--recover");
        refused(image + ": is lost\n", "--recover", "a.lost");
        refused(image + ": is lost\n", "--recover", "vnd0");
        assertEquals(1, user.run("-u", "vnd0").status());
        assertEquals(said("vnd0: crashed, " + image + " (vndconfig --recover)\n"), user.run("-l", "vnd0"));
        // The unit can be used again; its new daemon sees to the old file first.
        user.image("b.img");
        Result next = user.run("-v", "vnd0", "b.img");
        assertEquals(
                "vndconfig: recovered " + image,
                next.error().lines().findFirst().orElseThrow());
    }

    @Test
    void whatCannotBeRecoveredIsGivenUpByName() throws Exception {
        Path image = user.image("a.lost");
        user.image("b.img");
        assertEquals(said("vnd0\n"), user.run("-c", "a.lost"));
        assertEquals(said("vnd1\n"), user.run("-c", "b.img"));
        for (Unit unit : List.of(VND0, new Unit(1))) {
            kill("KILL", UnitRecord.read(user.state.record(unit)).orElseThrow().pid());
        }
        awaitFree();
        // One that can't be recovered doesn't keep another from it.
        Result all = user.run("--recover");
        assertEquals(1, all.status());
        assertEquals("recovered " + folder.resolve("b.img") + "\n", all.output());
        assertEquals("vndconfig: " + image + ": is lost\n", all.error());
        Result given = user.run("-u", "-F", "vnd0");
        assertEquals(0, given.status(), given.toString());
        assertEquals("vnd0 given up, " + image + ": is lost\n", given.output());
        assertNothingIsLeft();
    }

    @Test
    void aRecoveryThatDiesIsSaid() throws Exception {
        user.image("a.dies");
        assertEquals(said("vnd0\n"), user.run("-c", "a.dies"));
        kill("KILL", UnitRecord.read(user.state.record(VND0)).orElseThrow().pid());
        awaitFree();
        refused("vnd0: the recovery ended without a word (see " + user.state.log(VND0) + ")\n", "--recover", "vnd0");
        assertTrue(user.run("-l", "vnd0").output().startsWith("vnd0: crashed, "));
    }

    @Test
    void aUnitIsRecoveredByItsNameAndByEveryPathOfItsFile() throws Exception {
        Path image = user.image("a.crash-detaching");
        Path hard = Files.createLink(folder.resolve("hard"), image);
        Path moved = folder.resolve("moved");
        Path link = Files.createSymbolicLink(folder.resolve("link"), image);
        Files.createDirectory(folder.resolve("vnd5"));
        // As a device of that name in /dev/vnd.
        Files.createSymbolicLink(folder.resolve("vnd0"), Path.of("/dev/null"));
        for (List<String> asked : List.of(
                List.of("vnd0", image.toString()),
                List.of("/dev/vnd/vnd0", image.toString()),
                List.of("link", link.toString()),
                List.of("hard", hard.toString()),
                List.of("./hard", folder + "/./hard"))) {
            assertEquals(said("vnd0\n"), user.run("-c", image));
            assertEquals(1, user.run("-u", "vnd0").status());
            assertEquals(said("recovered " + asked.get(1) + "\n"), user.run("--recover", asked.get(0)));
            assertNothingIsLeft();
        }
        assertEquals(said("vnd0\n"), user.run("-c", image));
        assertEquals(1, user.run("-u", "vnd0").status());
        Files.move(image, moved);
        Files.delete(hard);
        // By the name that it had, which leads nowhere now; another file of that name isn't it.
        assertEquals(said("recovered " + image + "\n"), user.run("--recover", image));
        assertEquals(said("vnd0: nothing to recover\n"), user.run("--recover", "vnd0"));
        // A file may be called like a unit.
        assertEquals(said("recovered " + folder.resolve("vnd5") + "\n"), user.run("--recover", "vnd5"));
        user.image("c.img");
        assertEquals(said("vnd0\n"), user.run("-c", "c.img"));
        long pid = UnitRecord.read(user.state.record(VND0)).orElseThrow().pid();
        refused("vnd0: nothing to recover: it is attached (pid " + pid + ")\n", "--recover", "vnd0");
        assertEquals(said(""), user.run("-u", "vnd0"));
    }

    @Test
    void whoGivesUpWaitingTakesTheDaemonAway() throws Exception {
        user.image("a.slow");
        Process process = user.builder(installation.program(), "-c", "a.slow").start();
        await(folder.resolve("a.slow.started"));
        assertEquals(said("vnd0: attaching " + folder.resolve("a.slow") + "\n"), user.run("-l", "vnd0"));
        String json = user.run("-l", "--json").output();
        assertTrue(json.contains("\"unit\":\"vnd0\"") && json.contains("\"state\":\"attaching\""), json);
        refused("vnd0: VNDIOCCLR: Device busy (it is being attached or detached)\n", "-u", "vnd0");
        kill("INT", process.pid());
        assertEquals(130, process.waitFor());
        assertTrue(Files.exists(folder.resolve("a.slow.abandoned")));
        assertNothingIsLeft();
    }

    @Test
    void inTheForegroundTheProgramStaysUntilTheDiskIsGone() throws Exception {
        user.image("a.img");
        Process process = user.builder(installation.program(), "-c", "--foreground", "a.img")
                .start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        assertEquals("vnd0", TimedRead.line(output));
        assertEquals(said(""), user.run("-u", "vnd0"));
        assertEquals(0, process.waitFor());
        assertNothingIsLeft();

        Process ended = user.builder(installation.program(), "-c", "--foreground", "a.img")
                .start();
        assertEquals("vnd0", TimedRead.line(ended.inputReader(StandardCharsets.UTF_8)));
        kill("TERM", ended.pid());
        assertEquals(0, ended.waitFor());
        assertNothingIsLeft();
    }

    @Test
    void aKilledKeeperIsNotMissed() throws Exception {
        user.image("a.img");
        assertEquals(said("vnd0\n"), user.run("-c", "a.img"));
        long daemon = UnitRecord.read(user.state.record(VND0)).orElseThrow().pid();
        long keeper =
                ProcessHandle.of(daemon).orElseThrow().parent().orElseThrow().pid();
        kill("KILL", keeper);
        assertTrue(user.run("-l", "vnd0").output().startsWith("vnd0: /fake "));
        refused("vnd0: VNDIOCSET: Device busy\n", "vnd0", "a.img");
        assertEquals(said(""), user.run("-u", "vnd0"));
        assertNothingIsLeft();
    }

    @Test
    void aStoppedDaemonDoesNotHoldUpTheListing() throws Exception {
        user.image("a.img");
        assertEquals(said("vnd0\n"), user.run("-c", "a.img"));
        long daemon = UnitRecord.read(user.state.record(VND0)).orElseThrow().pid();
        kill("STOP", daemon);
        assertTrue(user.run("-l", "vnd0").output().startsWith("vnd0: /fake "));
        kill("CONT", daemon);
        assertEquals(said(""), user.run("-u", "vnd0"));
    }

    @Test
    void eightAtOnceGetEightUnits() throws Exception {
        user.image("a.img");
        List<Process> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(user.builder(installation.program(), "-c", "a.img").start());
        }
        Set<String> units = new TreeSet<>();
        for (Process process : all) {
            units.add(TimedRead.line(process.inputReader(StandardCharsets.UTF_8)));
            assertEquals(0, process.waitFor());
        }
        assertEquals("[vnd0, vnd1, vnd2, vnd3, vnd4, vnd5, vnd6, vnd7]", units.toString());
    }

    @Test
    void anyNameThatIsTextCanBeAttached() throws Exception {
        for (String name : List.of(
                "-v",
                "--json",
                "@args",
                "a b",
                "a\nb",
                "\u001b[31m",
                "\u00e9\u4e2d\ud834\udd1e",
                "\"\\",
                "vnd0",
                "%s",
                "'",
                "$(x)")) {
            Path image = user.image(name);
            assertEquals(said("vnd0\n"), user.run("-c", "--", name), name);
            assertEquals(
                    image.toString(),
                    UnitRecord.read(user.state.record(VND0)).orElseThrow().file());
            assertFalse(user.run("-lv", "vnd0").output().contains("\u001b"));
            assertEquals(said(""), user.run("-u", "vnd0"), name);
        }
        refused("a\\nb\\u001b: No such file or directory\n", "-c", "a\nb\u001b");
    }

    @Test
    void aListeningSocketIsHandedOn() throws Exception {
        user.image("a.img");
        ProcessBuilder builder = user.builder(installation.program("-Dvnd.listen.stdin=true"), "-c", "a.img");
        assertEquals(
                said("vnd0\n"),
                Native.run(builder.redirectInput(user.image("socket").toFile())));
        long daemon = UnitRecord.read(user.state.record(VND0)).orElseThrow().pid();
        assertEquals(folder.resolve("socket"), Files.readSymbolicLink(Path.of("/proc/" + daemon + "/fd/4")));
    }

    @Test
    void helpAndVersionArePrinted() throws Exception {
        Result help = user.run("--help");
        assertTrue(help.status() == 0 && help.error().isEmpty() && help.output().startsWith(USAGE), help.toString());
        for (String option : List.of(
                "--engine",
                "--export",
                "--allocate",
                "--offset",
                "--sizelimit",
                "--foreground",
                "--json",
                "--recover",
                "-F",
                "-m")) {
            assertTrue(help.output().contains("  " + option + " "), option);
        }
        assertTrue(help.output().lines().allMatch(line -> line.length() <= 100), "lines fit a terminal");
        assertTrue(user.run("--version").output().startsWith("vndconfig "));
    }

    @Test
    void aListingStartsWithoutWhatIsSlowToStart() throws Exception {
        user.image("a.img");
        assertEquals(said("vnd0\n"), user.run("-c", "a.img"));
        Path log = folder.resolve("classes");
        assertEquals(
                0,
                Native.run(user.builder(installation.program("-Xlog:class+load:file=" + log), "-l", "--json"))
                        .status());
        List<String> loaded = Files.readAllLines(log);
        // The first is what every lambda, and so every stream, and every concatenation by invokedynamic goes through.
        for (String slow :
                List.of("BootstrapMethodInvoker", "java.util.regex.Pattern", "java.util.Formatter", "picocli")) {
            assertEquals(
                    List.of(),
                    loaded.stream().filter(line -> line.contains(slow)).toList(),
                    slow);
        }
        assertTrue(loaded.stream().anyMatch(line -> line.contains("org.vnd.control.JsonReader")), "it did list");
    }
}
