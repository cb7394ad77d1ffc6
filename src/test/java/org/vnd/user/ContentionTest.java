package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;

/** Several at once want the same image, the same unit, or a disk that others still use. */
class ContentionTest extends DiskTest {
    @ParameterizedTest
    @CsvSource({"auto, 10", "file, 3"})
    void oneOfTwoGetsTheImage(String engine, int rounds) throws Exception {
        Path image = image("wanted.img", MEBIBYTE);
        for (int round = 0; round < rounds; round++) {
            List<Command.Result> results =
                    atOnce(List.of("-c", "--engine", engine, image), List.of("-c", "--engine", engine, image));
            Command.Result winner = theOneThat(results, 0);
            Command.Result loser = theOneThat(results, 1);
            String unit = winner.output().trim();
            assertTrue(unit.equals("vnd0") || unit.equals("vnd1"), winner.toString());
            assertEquals("", loser.output(), loser.toString());
            assertEquals(1, loser.errors().lines().count(), loser.toString());
            assertTrue(
                    loser.errors().startsWith("vndconfig: " + image + ": already attached")
                            || loser.errors().startsWith("vndconfig: " + image + ": in use: "),
                    loser.toString());
            assertEquals(List.of(unit, unit + ".lock"), root.stateEntries(), "of the loser nothing is left");
            root.says("-u", unit);
            root.assertNothingLeft(image);
        }
    }

    @Test
    void oneOfTwoGetsTheUnit() throws Exception {
        Path first = image("first.img", MEBIBYTE);
        Path second = image("second.img", MEBIBYTE);
        for (int round = 0; round < 3; round++) {
            List<Command.Result> results = atOnce(List.of("vnd3", first), List.of("vnd3", second));
            theOneThat(results, 0);
            Command.Result loser = theOneThat(results, 1);
            assertEquals("vndconfig: vnd3: VNDIOCSET: Device busy\n", loser.errors());
            root.says("-u", "vnd3");
            root.assertNothingLeft(first, second);
        }
    }

    @Test
    void whoComesLaterIsToldWhoHasIt() throws Exception {
        Path image = image("taken.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        assertEquals(
                "vndconfig: " + image + ": already attached as vnd0 (pid "
                        + root.daemon("vnd0").pid() + ")",
                root.refusal("-c", image));
        try (Caller other = new Caller(files.root())) {
            String refusal = other.refusal("-c", image);
            assertTrue(refusal.contains("already attached as vnd0 (pid "), refusal);
        }
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @Test
    void aBusyDiskIsDetachedOnlyByForce() throws Exception {
        Path image = image("busy.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        try (Command.Running client = root.other(
                        "qemu-io", "-f", "raw", "-c", "write -P 9 0 4096", "-c", "sleep 60000", root.uri("vnd0"))
                .start()) {
            while (DirectFile.read(image)[0] != 9) {
                assertTrue(client.alive(), () -> client.output() + client.errors());
                Caller.pause();
            }
            assertEquals("vndconfig: vnd0: VNDIOCCLR: Device busy (1 client is connected)", root.refusal("-u", "vnd0"));
            assertTrue(root.qemuIo("vnd0", "read -P 9 0 4096").contains("read 4096/4096"), "and it works on");
            root.says("-u", "-F", "vnd0");
            root.assertNoDisk(image);
        }
        assertEquals(9, DirectFile.read(image)[0]);
        root.assertNothingLeft(image);
    }

    /** Starts both, then waits for both. */
    private List<Command.Result> atOnce(List<Object> first, List<Object> second) {
        try (Command.Running one = root.command(first.toArray()).start();
                Command.Running other = root.command(second.toArray()).start()) {
            return List.of(one.await(60), other.await(60));
        }
    }

    private static Command.Result theOneThat(List<Command.Result> results, int exitCode) {
        List<Command.Result> found = new ArrayList<>(results);
        found.removeIf(result -> result.exitCode() != exitCode);
        assertEquals(1, found.size(), results::toString);
        return found.get(0);
    }
}
