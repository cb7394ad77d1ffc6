package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Whatever ends {@code -c}, and whenever: its exit status says whether there is a disk. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "getfattr", "flock", "losetup", "setsid", "env", "qemu-io"})
@ExtendWith(Seeded.class)
@Timeout(1200)
class SignalTest extends DiskTest {
    /** How often, at another moment each time. */
    private static final int ROUNDS = Integer.getInteger("vnd.signals", 6);

    private static final Map<String, Integer> SIGNALS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

    /** Runs what it starts in a group of its own, as a shell with a terminal does, and with no signal ignored. */
    private Caller leader;

    @BeforeEach
    void beginGroup() {
        leader = root.behind("setsid", "env", "--default-signal=INT,HUP,TERM");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nbd", "loop", "fuse+loop", "fuse"})
    void exitStatusAndDiskAgree(String export, SeededRandom random) throws Exception {
        Path image = contiguous("signals.img");
        long start = System.nanoTime();
        leader.says("-c", "--export", export, "vnd0", image);
        long usualMillis = (System.nanoTime() - start) / 1_000_000;
        leader.says("-u", "vnd0");
        for (int round = 0; round < ROUNDS; round++) {
            String signal = random.oneOf("INT", "TERM", "HUP");
            boolean group = random.below(2) == 1;
            long millis = random.below(usualMillis + usualMillis / 4);
            String what = export + ", " + signal + (group ? " to all" : "") + " after " + millis + " ms: ";
            try (Command.Running attaching =
                    leader.command("-c", "--export", export, image).start()) {
                Thread.sleep(millis);
                send(signal, attaching.pid(), group);
                Command.Result result = attaching.await(120);
                if (result.exitCode() == 0) {
                    assertEquals("vnd0\n", result.output(), what);
                    assertTrue(root.says("-l", "vnd0").contains(" inode "), what);
                    root.says("-u", "vnd0");
                } else {
                    requireEndedBy(signal, result, what);
                }
                // At once, without waiting for anything.
                assertEquals(List.of(), root.stateEntries(), what + result);
                assertEquals("", Command.output("losetup", "--associated", files.device()), what);
                Marks.assertNone(image);
            }
        }
    }

    @Test
    void inTheForegroundToo(SeededRandom random) throws Exception {
        Path image = contiguous("foreground.img");
        for (int round = 0; round < ROUNDS; round++) {
            String signal = random.oneOf("INT", "TERM", "HUP");
            boolean group = random.below(2) == 1;
            String what = signal + (group ? " to all" : "");
            try (Command.Running disk = leader.command("-c", "--foreground", "--export", "loop", image)
                    .start()) {
                Thread.sleep(random.below(1500));
                send(signal, disk.pid(), group);
                Command.Result result = disk.await(120);
                // In order: it was there, and was detached. Else it never was.
                if (result.exitCode() == 0) {
                    assertEquals("vnd0\n", result.output(), what);
                } else {
                    requireEndedBy(signal, result, what);
                }
                assertEquals(List.of(), root.stateEntries(), what + result);
                assertEquals("", Command.output("losetup", "--associated", files.device()), what);
                Marks.assertNone(image);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {">&-", "<&- >&-", ">/dev/full", "| :"})
    void aDiskThatCannotBeNamedIsNotAttached(String output) throws Exception {
        Path image = contiguous("unnamed.img");
        for (String foreground : List.of("", " --foreground")) {
            Command.Result result = root.other(
                            "bash",
                            "-c",
                            "\"$0\" -c" + foreground + " \"$1\" " + output + "; exit ${PIPESTATUS[0]}",
                            Caller.ownProgram(),
                            image)
                    .run()
                    .exited(1);
            assertTrue(
                    result.errors()
                            .matches(
                                    "vndconfig: vnd0: not attached, since its name can't be told: standard output: .*\n"),
                    result::toString);
            root.assertNoDisk(image);
        }
        // A name that is known needs no output.
        root.other(
                        "bash",
                        "-c",
                        "\"$0\" -c vnd0 \"$1\" " + output + "; exit ${PIPESTATUS[0]}",
                        Caller.ownProgram(),
                        image)
                .run()
                .succeeded();
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @Test
    void anIgnoredHangUpStaysIgnored() throws Exception {
        Path image = contiguous("nohup.img");
        try (Command.Running attaching =
                root.other("nohup", Caller.ownProgram(), "-c", image).start()) {
            while (root.stateEntries().isEmpty()) {
                assertTrue(attaching.alive(), attaching::errors);
                Caller.pause();
            }
            new Command("kill", "-HUP", attaching.pid()).run();
            assertEquals("vnd0\n", attaching.await(120).succeeded().output());
        }
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    /** A file has its name, or the exit status says that it hasn't. */
    @Test
    void aFileIsMadeOrNot(SeededRandom random) throws Exception {
        Path image = files.path("made.img");
        for (int round = 0; round < ROUNDS; round++) {
            try (Command.Running making =
                    leader.command("create", "made.img", "32M").start()) {
                Thread.sleep(random.below(1200));
                send("TERM", making.pid(), random.below(2) == 1);
                Command.Result result = making.await(120);
                assertEquals(image.toFile().exists() ? 0 : 143, result.exitCode(), result::toString);
                assertEquals(image.toFile().exists(), !result.output().isEmpty(), result::toString);
            }
            image.toFile().delete();
        }
    }

    private static void requireEndedBy(String signal, Command.Result result, String what) {
        // HotSpot's own words and status for a signal in the middle of its start, before there is anything of ours.
        boolean byHotSpot = result.errors().startsWith("Error occurred during initialization of ")
                || result.errors().startsWith("Runtime.exit(");
        if (!byHotSpot || result.exitCode() != 1) {
            assertEquals(128 + SIGNALS.get(signal), result.exitCode(), what + result);
        }
        assertEquals("", byHotSpot ? result.output() : result.errors(), what);
    }

    private static void send(String signal, long pid, boolean group) {
        // It may have ended before.
        new Command("kill", "-" + signal, "--", group ? "-" + pid : "" + pid).run();
    }

    private static Path contiguous(String name) throws Exception {
        Path image = files.path(name);
        image.toFile().delete();
        Command.output("fallocate", "-l", 8 * MEBIBYTE, image);
        DirectFile.fill(image, 8 * MEBIBYTE, 8);
        Command.output("sync", image);
        return image;
    }
}
