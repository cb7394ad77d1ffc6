package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Requires;

/** {@code vndconfig create}: an image that can be attached by its blocks at once, or nothing. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "getfattr", "flock", "nbdcopy", "nbdinfo", "qemu-io", "qemu-img", "setpriv"})
class CreateTest extends DiskTest {
    private static long freeBytes() {
        Command.output("sync", "-f", files.root());
        return files.root().toFile().getFreeSpace();
    }

    private static void awaitFree(long bytes) {
        for (int attempt = 0; freeBytes() < bytes && attempt < 200; attempt++) {
            Caller.pause();
        }
        assertTrue(freeBytes() >= bytes, "space is still taken");
    }

    @Test
    void itsImageIsPhysicalAtOnce() throws Exception {
        assertEquals("new.img: 16 MiB in 1 extent\n", root.says("create", "--contiguous", "new.img", "16M"));
        Path image = files.path("new.img");
        assertArrayEquals(new byte[16 * MEBIBYTE], DirectFile.read(image));
        root.says("-c", "--engine", "physical", "--export", "loop", "vnd0", "new.img");
        assertEquals("1", root.field("vnd0", "extents"));
        root.qemuIo("vnd0", "write -P 5 64k 64k");
        root.says("-u", "vnd0");
        assertEquals(5, DirectFile.read(image)[64 << 10]);
        root.assertNothingLeft(image);
        Files.delete(image);
    }

    @Test
    void whatIsThereStays() throws Exception {
        Path image = Files.writeString(files.path("old.img"), "old");
        assertEquals(
                "vndconfig: " + image + ": exists already; create makes new files only",
                root.refusal("create", "old.img", "1M"));
        assertEquals("old", Files.readString(image));
        Files.delete(image);
    }

    @Test
    void whatDoesNotFitIsRefusedAndLeavesNothing() {
        long free = freeBytes();
        String refusal = root.refusal("create", "large.img", "1T");
        String expected = "vndconfig: " + files.path("large.img") + ": 1 TiB don't fit, its file system has ";
        assertTrue(refusal.startsWith(expected) && refusal.endsWith(" MiB free"), refusal);
        assertTrue(root.refusal("create", "large.img", free / 4096 * 4 + "K").contains(" don't fit, "));
        assertFalse(Files.exists(files.path("large.img")));
        awaitFree(free);
    }

    /** The signal reaches the command alone, or, as from a terminal, all of its processes. */
    @ParameterizedTest
    @CsvSource({"INT, false", "TERM, false", "KILL, false", "INT, true", "KILL, true"})
    void interruptedItLeavesNothing(String signal, boolean all) throws Exception {
        long free = freeBytes();
        Path image = files.path("interrupted.img");
        try (Command.Running creating =
                root.command("create", "interrupted.img", "160M").start()) {
            // It has begun, since space is taken, and has not ended, since there is no such file.
            while (files.root().toFile().getFreeSpace() > free - 100 * MEBIBYTE) {
                assertTrue(creating.alive(), () -> creating.output() + creating.errors());
            }
            Command kill = new Command("kill", "-" + signal, creating.pid());
            if (all) {
                ProcessHandle.of(creating.pid()).orElseThrow().descendants().forEach(child -> kill.with(child.pid()));
            }
            kill.run();
            creating.await(60);
        }
        root.awaitNobody();
        if (Files.exists(image)) {
            // It was faster: then it is whole.
            assertArrayEquals(new byte[160 * MEBIBYTE], DirectFile.read(image));
            Files.delete(image);
        }
        assertEquals(List.of(), List.of(files.root().toFile().list((folder, name) -> name.contains("vnd-create"))));
        awaitFree(free);
    }

    @Test
    void ofTwoAtOnceOneMakesIt() throws Exception {
        List<CompletableFuture<Command.Result>> both = List.of(
                CompletableFuture.supplyAsync(() -> root.run("create", "race.img", "32M")),
                CompletableFuture.supplyAsync(() -> root.run("create", "race.img", "32M")));
        List<Command.Result> results =
                both.stream().map(CompletableFuture::join).toList();
        assertEquals(
                1,
                results.stream().mapToInt(Command.Result::exitCode).sum(),
                () -> "one wins and one doesn't: " + results);
        Path image = files.path("race.img");
        for (Command.Result result : results) {
            String expected = result.exitCode() == 0
                    ? "race.img: 32 MiB in "
                    : "vndconfig: " + image + ": exists already; create makes new files only\n";
            assertTrue((result.output() + result.errors()).startsWith(expected), result.toString());
        }
        assertArrayEquals(new byte[32 * MEBIBYTE], DirectFile.read(image));
        Files.delete(image);
    }

    @Test
    void anOrdinaryUserCanAndTheUmaskIsHis() throws Exception {
        Path home = Files.createDirectory(files.path("home"));
        Command.output("chown", "65534:65534", home);
        try (Caller nobody = new Caller(home)
                .program(Distribution.readableByAll())
                .behind("sh", "-c", "umask 027 && exec \"$@\"", "sh")
                .behind("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all")) {
            assertEquals("mine.img: 1 MiB in 1 extent\n", nobody.says("create", "mine.img", "1M"));
            assertEquals("-rw-r----- 65534", Command.output("stat", "-c", "%A %u", home.resolve("mine.img")));
            assertEquals(
                    "vndconfig: " + files.path("his.img") + ": can't be made: Permission denied",
                    nobody.refusal("create", "../his.img", "1M").replace("home/../", ""));
        }
    }
}
