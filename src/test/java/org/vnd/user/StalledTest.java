package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.adversary.LockProcess;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** A daemon that doesn't get on, or dies: who waits for it is told why, and can stop waiting. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "getfattr", "flock", "fsfreeze", "setsid", "env"})
class StalledTest extends DiskTest {
    /** It is 3 s where the machine has nothing else to do. */
    private static final int LIMIT_SECONDS = 10;

    @ParameterizedTest
    @ValueSource(strings = {"daemon", "keeper"})
    void aDetachSaysWhoIsStopped(String who) throws Exception {
        Path image = image("stopped.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        ProcessHandle daemon = root.daemon("vnd0");
        long pid = who.equals("daemon")
                ? daemon.pid()
                : daemon.parent().orElseThrow().pid();
        new Command("kill", "-STOP", pid).run().succeeded();
        try (Command.Running detaching = root.command("-u", "vnd0").start()) {
            awaitLine(
                    detaching,
                    "vndconfig: vnd0: its " + who + " is stopped (kill -CONT " + pid + "); waiting until it goes on\n");
            root.says("-l");
            new Command("kill", "-CONT", pid).run().succeeded();
            detaching.await(60).succeeded();
        } finally {
            new Command("kill", "-CONT", pid).run();
        }
        root.assertNothingLeft(image);
    }

    /** It isn't asked. */
    @Test
    void aListingWaitsForNobodyWhoIsStopped() throws Exception {
        Path image = image("listed.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        long pid = root.daemon("vnd0").pid();
        new Command("kill", "-STOP", pid).run().succeeded();
        try {
            Command.Result listed =
                    root.command("-l", "-v").limitSeconds(LIMIT_SECONDS).run();
            assertTrue(listed.succeeded().output().contains("\tfile: " + image + "\n"), listed::toString);
            assertTrue(listed.output().contains("\tpid: " + pid + " (stopped)\n"), listed::toString);
        } finally {
            new Command("kill", "-CONT", pid).run();
        }
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    /** Its keeper, which would recover the image, hasn't heard of it. */
    @Test
    void aDeadDaemonOfAStoppedKeeperIsShown() throws Exception {
        Path image = image("dead.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        ProcessHandle daemon = root.daemon("vnd0");
        long keeper = daemon.parent().orElseThrow().pid();
        new Command("kill", "-STOP", keeper).run().succeeded();
        try {
            daemon.destroyForcibly();
            String listed = root.says("-l", "-v", "vnd0");
            // Nobody waits for it, so that it is a process still.
            for (int look = 0; look < 100 && !listed.contains(" (dead)\n"); look++) {
                Thread.sleep(50);
                listed = root.says("-l", "-v", "vnd0");
            }
            assertTrue(listed.contains("\tpid: " + daemon.pid() + " (dead)\n"), listed);
            assertEquals(
                    "vndconfig: vnd0: VNDIOCCLR: Device busy (its keeper is stopped (kill -CONT " + keeper + "))\n",
                    root.run("-u", "vnd0").exited(1).errors());
        } finally {
            new Command("kill", "-CONT", keeper).run();
        }
        root.run("-u", "vnd0").succeeded();
        root.assertNothingLeft(image);
    }

    @Test
    void aFrozenFileSystemIsNamed() throws Exception {
        Path image = image("frozen.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        new Command("fsfreeze", "-f", files.root()).run().succeeded();
        try (Command.Running detaching = root.command("-u", "vnd0").start()) {
            awaitLine(detaching, frozen(image) + files.root() + "); waiting until it goes on\n");
            assertTrue(root.says("-l", "vnd0").contains(" inode "));
            new Command("fsfreeze", "-u", files.root()).run().succeeded();
            detaching.await(60).succeeded();
        } finally {
            new Command("fsfreeze", "-u", files.root()).run();
        }
        root.assertNothingLeft(image);
    }

    /** All of its threads end but the one that waits. */
    @Test
    void aFrozenFileSystemIsNamedForADaemonThatWasKilledToo() throws Exception {
        Path image = image("frozen.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        new Command("fsfreeze", "-f", files.root()).run().succeeded();
        try (Command.Running first = root.command("-u", "vnd0").start()) {
            awaitLine(first, frozen(image));
            new Command("kill", "-KILL", root.daemon("vnd0").pid()).run().succeeded();
            try (Command.Running second = root.command("-u", "vnd0").start()) {
                awaitLine(second, frozen(image));
                new Command("fsfreeze", "-u", files.root()).run().succeeded();
                second.await(60);
            }
            first.await(60).exited(1);
        } finally {
            new Command("fsfreeze", "-u", files.root()).run();
        }
        root.run("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    private static String frozen(Path image) {
        return "waits in the kernel (percpu_rwsem_wait): the file system of " + image
                + " seems to be frozen (fsfreeze -u ";
    }

    /** What it was told to do is done when that goes on, if it had begun, or else not at all. */
    @ParameterizedTest
    @CsvSource({"stopped, -u vnd0", "frozen, -u vnd0", "frozen, -c vnd0 given-up.img"})
    void whoWaitsCanGiveUp(String stall, String words) throws Exception {
        Path image = image("given-up.img", MEBIBYTE);
        boolean attached = words.startsWith("-u");
        if (attached) {
            root.says("-c", "vnd0", image);
        }
        long daemon = attached ? root.daemon("vnd0").pid() : 0;
        boolean stopped = stall.equals("stopped");
        Command begin = stopped ? new Command("kill", "-STOP", daemon) : new Command("fsfreeze", "-f", files.root());
        Command end = stopped ? new Command("kill", "-CONT", daemon) : new Command("fsfreeze", "-u", files.root());
        Caller leader = root.behind("setsid", "env", "--default-signal=INT");
        begin.run().succeeded();
        try (Command.Running waiting =
                leader.command((Object[]) words.split(" ")).start()) {
            awaitLine(waiting, stopped ? "vndconfig: vnd0: its daemon is stopped (kill -CONT " : frozen(image));
            awaitLine(waiting, "; waiting until it goes on\n");
            new Command("kill", "-INT", "--", "-" + waiting.pid()).run().succeeded();
            Command.Result result = waiting.await(LIMIT_SECONDS).exited(130);
            assertEquals("", result.output(), result::toString);
            if (!attached) {
                assertTrue(result.errors().endsWith("; it is detached when that goes on\n"), result::toString);
            }
            assertEquals(attached, root.says("-l", "vnd0").contains(" inode "), "nothing has happened yet");
        } finally {
            end.run().succeeded();
        }
        if (stopped) {
            Path log = root.state().resolve("vnd0/log");
            while (!Files.readString(log).contains(" has gone: it isn't done\n")) {
                Caller.pause();
            }
            root.says("-u", "vnd0");
        }
        root.assertNothingLeft(image);
    }

    /** Of a unit, by whatever asks for it, and of a file of which nothing is known but what it says itself. */
    @ParameterizedTest
    @ValueSource(strings = {"-u vnd0", "--recover", "-c vnd0 recovered.img", "--recover recovered.img"})
    void aRecoveryThatWaitsForAFrozenFileSystemSaysSo(String words) throws Exception {
        Path image = image("recovered.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        new Command("kill", "-KILL", root.daemon("vnd0").pid()).run().succeeded();
        root.awaitNobody();
        boolean ofFile = words.equals("--recover recovered.img");
        try (Caller other = new Caller(files.root())) {
            String subject = ofFile ? image.toString() : "vnd0";
            new Command("fsfreeze", "-f", files.root()).run().succeeded();
            try (Command.Running recovering =
                    (ofFile ? other : root).command((Object[]) words.split(" ")).start()) {
                String role = words.startsWith("-c") ? "daemon" : "recovery";
                awaitLine(recovering, "vndconfig: " + subject + ": its " + role + " (pid ");
                awaitLine(recovering, "the file system of " + image + " seems to be frozen (fsfreeze -u ");
                awaitLine(recovering, "; waiting until it goes on\n");
                new Command("fsfreeze", "-u", files.root()).run().succeeded();
                recovering.await(60).succeeded();
            } finally {
                new Command("fsfreeze", "-u", files.root()).run();
            }
        }
        if (ofFile || words.startsWith("-c")) {
            root.run("-u", "vnd0").succeeded();
        }
        root.assertNothingLeft(image);
    }

    /** It is asked before anybody opens the image, and its daemon is dead. */
    @ParameterizedTest
    @ValueSource(strings = {"-u vnd0", "--recover", "-c vnd0 asked.img"})
    void aStoppedLockThatARecoveryWaitsForIsNamed(String words) throws Exception {
        Path image = image("asked.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        ProcessHandle daemon = root.daemon("vnd0");
        long lock = LockProcess.of(daemon.pid()).orElseThrow().pid();
        new Command("kill", "-STOP", lock).run().succeeded();
        try {
            new Command("kill", "-KILL", daemon.pid()).run().succeeded();
            while (!root.says("-l", "vnd0").startsWith("vnd0: crashed, ")) {
                Caller.pause();
            }
            try (Command.Running recovering =
                    root.command((Object[]) words.split(" ")).start()) {
                awaitLine(recovering, "vndconfig: vnd0: its " + (words.startsWith("-c") ? "daemon" : "recovery"));
                awaitLine(
                        recovering,
                        " waits for pid " + lock + " (vnd-lock), which is stopped (kill -CONT " + lock
                                + "); waiting until it goes on\n");
                new Command("kill", "-CONT", lock).run().succeeded();
                recovering.await(60).succeeded();
            }
        } finally {
            new Command("kill", "-CONT", lock).run();
        }
        if (words.startsWith("-c")) {
            root.run("-u", "vnd0").succeeded();
        }
        root.assertNothingLeft(image);
    }

    /** What a crash has left names a process that by now may be another's. */
    @Test
    void nobodyIsToldToLetAStrangerGo() throws Exception {
        Path image = image("before.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        long pid = root.daemon("vnd0").pid();
        new Command("kill", "-KILL", pid).run().succeeded();
        root.awaitNobody();
        Path record = root.state().resolve("vnd0/unit.json");
        try (Command.Running stranger = new Command("sleep", "600").start()) {
            new Command("kill", "-STOP", stranger.pid()).run().succeeded();
            String text = Files.readString(record);
            Files.writeString(record, text.replace("\"pid\":" + pid, "\"pid\":" + stranger.pid()));
            assertTrue(Files.readString(record).contains("\"pid\":" + stranger.pid()), text);
            new Command("fsfreeze", "-f", files.root()).run().succeeded();
            try (Command.Running attaching = root.command("-c", "vnd0", image).start()) {
                // Longer than it takes to notice.
                Thread.sleep(5000);
                assertTrue(attaching.alive(), attaching::errors);
                assertEquals(
                        "vndconfig: vnd0: VNDIOCCLR: Device busy (it is being attached or detached)",
                        root.refusal("-u", "vnd0"));
                new Command("fsfreeze", "-u", files.root()).run().succeeded();
                String said = attaching.await(60).succeeded().errors();
                assertTrue(!said.contains("is stopped"), said);
            } finally {
                new Command("fsfreeze", "-u", files.root()).run();
            }
            new Command("kill", "-KILL", stranger.pid()).run().succeeded();
        }
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SEGV", "ABRT", "KILL"})
    void anAttachSaysOfWhatItsDaemonDied(String signal) throws Exception {
        Path image = image("dying.img", MEBIBYTE);
        Path log = root.state().resolve("vnd0/log");
        // With the file system frozen it stays long enough where it is.
        new Command("fsfreeze", "-f", files.root()).run().succeeded();
        String said;
        try (Command.Running attaching = root.command("-c", "vnd0", image).start()) {
            Path record = root.state().resolve("vnd0/unit.json");
            while (!Files.exists(record)) {
                assertTrue(attaching.alive(), attaching::errors);
                Caller.pause();
            }
            new Command("kill", "-" + signal, root.daemonOf(record)).run().succeeded();
            // HotSpot's report takes a while, and the attach would go on meanwhile.
            while (signal.equals("SEGV") && !Files.readString(log).contains("\nEND.\n")) {
                Caller.pause();
            }
            new Command("fsfreeze", "-u", files.root()).run().succeeded();
            said = attaching.await(60).exited(1).errors();
        } finally {
            new Command("fsfreeze", "-u", files.root()).run();
        }
        String[] lines = said.split("\n");
        String last = lines[lines.length - 1];
        // HotSpot reports a crash of its own, and exits.
        String how = signal.equals("SEGV") ? "ended with status 1" : "was killed by SIG" + signal;
        assertTrue(last.startsWith("vndconfig: vnd0: its daemon " + how + " before the disk was ready"), said);
        assertEquals(signal.equals("SEGV"), last.contains(": SIGSEGV (0x"), said);
        assertTrue(last.endsWith(" (its log: " + log + "); vndconfig -u vnd0 puts the file back in order"), said);
        assertTrue(Files.readString(log).contains("vnd-keeper: the daemon " + how + "\n"));
        root.run("-u", "vnd0").succeeded();
        root.assertNothingLeft(image);
    }

    private static void awaitLine(Command.Running running, String text) {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!running.errors().contains(text)) {
            assertTrue(running.alive(), () -> running.output() + running.errors());
            assertTrue(System.nanoTime() < untilNanos, () -> "not told: " + text + " but: " + running.errors());
            Caller.pause();
        }
    }
}
