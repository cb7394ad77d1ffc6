package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.system.Strangers.DeadServer;

/** Whatever other processes of the machine are up to, no command waits for them, nor does a disk. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "losetup", "kill", "cc", "chattr", "lsattr", "python3"})
class StrangersTest {
    private static final int SIZE = 1 << 20;

    /** It is 3 s where the machine has nothing else to do. */
    private static final int LIMIT_SECONDS = 10;

    /** What a disk under load does in less than that. */
    private static final int ANSWERS = 10;

    private ScratchFileSystem files;
    private Product product;
    private Path image;

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create();
        product = new Product();
        image = files.path("image" + "x".repeat(200));
        DirectFile.fill(image, SIZE, 1);
    }

    @AfterEach
    void close() {
        product.close();
        files.close();
    }

    private Path another(String name) throws Exception {
        Path other = files.path(name + "x".repeat(200));
        DirectFile.fill(other, SIZE, 1);
        return other;
    }

    private Command.Result soon(Object... words) {
        return product.command(words).limitSeconds(LIMIT_SECONDS).run();
    }

    private String refused(Object... words) {
        Command.Result result = soon(words).exited(1);
        assertEquals(1, result.errors().lines().count(), result::toString);
        return result.errors().strip();
    }

    private static void assertBegins(String beginning, String text) {
        assertTrue(text.startsWith(beginning), text);
    }

    @Test
    void aBusyFileIsRefusedThoughAServerIsDead() throws Exception {
        try (DeadServer dead = new DeadServer(files);
                Command.Running reader = Strangers.holder(image)) {
            assertEquals(
                    "vndconfig: " + image + ": in use: pid " + reader.pid() + " (sleep) has it open for reading",
                    refused("-c", image));
        }
    }

    @Test
    void andThoughAProcessHasTheMostMappingsThatOneCanHave() throws Exception {
        try (Command.Running reader = Strangers.holder(image);
                Command.Running stranger = Strangers.mapper(another("another"))) {
            assertTrue(stranger.alive());
            String begin = "vndconfig: " + image + ": in use: pid " + reader.pid() + " (sleep) has it open for reading";
            assertBegins(begin, refused("-c", image));
        }
        try (Command.Running mapper = Strangers.mapper(image)) {
            String begin = "vndconfig: " + image + ": in use: pid " + mapper.pid() + " (mappings) has it mapped";
            assertBegins(begin, refused("-c", image));
        }
    }

    @Test
    void disksAreListedRecoveredAndDetachedThoughThereAreBoth() throws Exception {
        AttachedDisk disk = product.attach(image, "--export", "loop");
        Path lost = another("lost");
        AttachedDisk crashing = product.attach(lost);
        Path node = product.state().resolve(disk.unit()).resolve(disk.unit());
        // Before them, so that who uses it is found though there were no time to look at all of theirs.
        try (Command.Running user = Strangers.holder(node);
                Command.Running reader = Strangers.reader(image);
                DeadServer dead = new DeadServer(files);
                Command.Running stranger = Strangers.mapper(another("another"))) {
            assertTrue(stranger.alive());
            assertEquals("no disk has crashed\n", soon("--recover").succeeded().output());
            ProcessHandle keeper = crashing.keeper();
            crashing.killDaemon();
            keeper.onExit().join();
            String listed = soon("-l", "-v").succeeded().output();
            assertTrue(listed.contains("\tloop: ") && listed.contains(crashing.unit() + ": crashed, " + lost), listed);
            assertEquals(
                    lost + ": recovered, it was " + crashing.unit() + " (pid " + crashing.pid() + ")\n",
                    soon("--recover").succeeded().output());
            assertEquals(
                    lost + ": nothing to recover\n",
                    soon("--recover", lost).succeeded().output());

            String busy = "vndconfig: " + disk.unit() + ": VNDIOCCLR: Device busy (";
            String refusal = refused("-u", disk.unit());
            assertBegins(busy, refusal);
            assertTrue(refusal.contains("pid " + reader.pid() + " (python3) has it mapped"), refusal);
            reader.kill();
            refusal = refused("-u", disk.unit());
            assertBegins(busy, refusal);
            assertTrue(refusal.contains("pid " + user.pid() + " (sleep) "), refusal);
            user.kill();
            soon("-u", disk.unit()).succeeded();
        }
        assertTrue(product.disks().isEmpty());
    }

    /** Who takes the flag away, and then waits to cut the file, is let go with the file as it was, and the client goes on. */
    @Test
    void aDisturbedDiskGoesOnThoughThereAreBoth() throws Exception {
        AttachedDisk disk = product.attach(image);
        assertEquals("physical", disk.engine(), disk.engineReason());
        try (DeadServer dead = new DeadServer(files);
                Command.Running stranger = Strangers.mapper(another("another"));
                Command.Running reader = Strangers.holder(image);
                SteadyClient client = new SteadyClient(disk)) {
            assertTrue(stranger.alive() && reader.alive());
            client.await(ANSWERS, LIMIT_SECONDS);
            Command.output("chattr", "-i", image);
            awaitMended(client);
            Command.output("chattr", "-i", image);
            String cut = "import os,sys; os.truncate(sys.argv[1], 0)";
            new Command("python3", "-c", cut, image)
                    .limitSeconds(2 * LIMIT_SECONDS)
                    .run()
                    .exited(1);
            awaitMended(client);
            String listed = soon("-l", "-v", disk.unit()).succeeded().output();
            assertTrue(listed.contains(" inode ") && !listed.contains("failed"), listed);
        }
        soon("-u", "-F", disk.unit()).succeeded();
        assertEquals(SIZE, image.toFile().length());
    }

    /** Until it is, nobody may open it, not even to look at its flags. */
    private boolean isLocked() {
        Command.Result flags = new Command("lsattr", "-d", image).run();
        return flags.exitCode() == 0 && flags.output().split(" ")[0].contains("i");
    }

    private void awaitMended(SteadyClient client) throws Exception {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!isLocked()) {
            assertTrue(System.nanoTime() < untilNanos, "it isn't locked again");
            Thread.sleep(20);
        }
        client.await(ANSWERS, LIMIT_SECONDS);
    }
}
