package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Whoever is stopped when: the image is as it was, or is put back by the next command that meets it. */
@ExtendWith(Seeded.class)
class InterruptionTest extends DiskTest {
    /** About what an attach takes; sometimes it is over then. */
    private static final int LONGEST_MILLIS = 700;

    @ParameterizedTest
    @CsvSource({"INT, 4", "KILL, 4"})
    void attachingCanBeInterruptedAtAnyTime(String signal, int rounds, SeededRandom random) throws Exception {
        try (ScratchFileSystem fragmented = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sizeMebibytes(96)
                        .buffered()
                        .create();
                Caller user = new Caller(fragmented.root())) {
            Path image = Fragmenter.make(fragmented.path("many.img"), 26L * MEBIBYTE, 1000, random)
                    .image();
            long checksum = DirectFile.checksum(image);
            for (int round = 0; round < rounds; round++) {
                try (Command.Running attaching =
                        user.command("-c", "vnd0", image).start()) {
                    Thread.sleep(random.below(LONGEST_MILLIS));
                    new Command("kill", "-" + signal, attaching.pid()).run();
                    attaching.await(60);
                }
                user.settle("vnd0");
                user.assertNothingLeft(image);
            }
            assertEquals(checksum, DirectFile.checksum(image));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"daemon", "keeper"})
    void aSignalDetachesInOrder(String who) throws Exception {
        for (String signal : new String[] {"TERM", "INT", "HUP"}) {
            Path image = image("signal.img", 2 * MEBIBYTE);
            byte[] expected = DirectFile.read(image);
            root.says("-c", "vnd0", image);
            ProcessHandle daemon = root.daemon("vnd0");
            long pid = who.equals("daemon")
                    ? daemon.pid()
                    : daemon.parent().orElseThrow().pid();
            String uri = root.uri("vnd0");
            // A client is still connected, and hasn't flushed.
            try (Command.Running client = root.other(
                            "qemu-io", "-t", "none", "-f", "raw", "-c", "write -P 4 64k 8k", "-c", "sleep 60000", uri)
                    .start()) {
                Arrays.fill(expected, 64 << 10, 72 << 10, (byte) 4);
                while (DirectFile.read(image)[64 << 10] != 4) {
                    assertTrue(client.alive(), () -> client.output() + client.errors());
                    Caller.pause();
                }
                new Command("kill", "-" + signal, pid).run().succeeded();
                daemon.onExit().join();
            }
            root.assertNothingLeft(image);
            assertArrayEquals(expected, DirectFile.read(image), signal);
        }
    }

    @Test
    void aKilledDaemonsFileIsPutBack() throws Exception {
        Path image = image("killed.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        root.qemuIo("vnd0", "write -P 6 0 4096");
        long pid = kill("vnd0");
        assertTrue(Marks.isImmutable(image), "still locked");
        assertEquals("vnd0: crashed, " + image + " (vndconfig --recover)\n", root.says("-l", "vnd0"));
        assertEquals(image + ": recovered, it was vnd0 (pid " + pid + ")\n", root.says("--recover"));
        root.assertNothingLeft(image);
        assertEquals(6, DirectFile.read(image)[0]);
        assertEquals("no disk has crashed\n", root.says("--recover"));
        assertEquals(image + ": nothing to recover\n", root.says("--recover", image));
    }

    @Test
    void aKilledDaemonsFileCanBeAttachedAgainAtOnce() throws Exception {
        Path image = image("again.img", MEBIBYTE);
        Path other = image("other.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        kill("vnd0");
        root.says("-c", "vnd0", image);
        assertEquals("physical", root.field("vnd0", "engine"));
        kill("vnd0");
        // Another file in the same unit: the first one is put back nevertheless.
        root.says("-c", "vnd0", other);
        Marks.assertNone(image);
        kill("vnd0");
        Command.Result detach = root.run("-u", "vnd0").succeeded();
        assertEquals("vndconfig: vnd0: its daemon crashed; recovering " + other + "\n", detach.errors());
        root.assertNothingLeft(image, other);
    }

    @Test
    void aKilledKeeperIsNotMissed() throws Exception {
        Path image = image("keeper.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        ProcessHandle keeper = root.daemon("vnd0").parent().orElseThrow();
        new Command("kill", "-KILL", keeper.pid()).run().succeeded();
        keeper.onExit().join();
        root.qemuIo("vnd0", "write -P 6 0 4096");
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
        assertEquals(6, DirectFile.read(image)[0]);
    }

    @Test
    void anAttachThatCannotPutTheFileBackIsForTheRecovery() throws Exception {
        try (ScratchFileSystem failing = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sizeMebibytes(64)
                        .buffered()
                        .create();
                Caller user = new Caller(failing.root())) {
            Path image = failing.path("stuck.img");
            DirectFile.fill(image, MEBIBYTE, 1);
            // The attach waits where the image is locked, and by the end of that its file system takes nothing more.
            String said;
            try (Command.Running attaching = user.other("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null")
                    .with("-P", image, "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=3000000")
                    .with(Caller.ownProgram(), "-c", "vnd0", image)
                    .start()) {
                // The record comes just before the flag, and to read it is not to open the file.
                while (!Command.output("getfattr", "-m", "-", image).contains("trusted.vnd")) {
                    assertTrue(attaching.alive(), attaching::errors);
                }
                Caller.pause();
                failing.shutDown();
                said = attaching.await(60).exited(1).errors();
            }
            assertTrue(said.endsWith("; its file stays locked: vndconfig --recover\n"), said);
            assertEquals("vnd0: crashed, " + image + " (vndconfig --recover)\n", user.says("-l", "vnd0"));
            failing.cycleSoon();
            user.says("--recover");
            user.assertNothingLeft(image);
        }
    }

    /** SIGKILL to the daemon, and waits for the keeper's end. Returns the daemon's process id. */
    private long kill(String unit) {
        ProcessHandle daemon = root.daemon(unit);
        new Command("kill", "-KILL", daemon.pid()).run().succeeded();
        root.awaitNobody();
        return daemon.pid();
    }
}
