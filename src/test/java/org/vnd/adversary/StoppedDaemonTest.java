package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.LeaseBreakTime;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.system.AttachedDisk;
import org.vnd.system.NbdClient;
import org.vnd.system.Product;

/**
 * The daemon is stopped (by a debugger, a cgroup's freezer) in the midst of a long request. While it can't look at its lock, a
 * thief waits out the lease and frees the image's blocks, and another file gets them. The rest of the request must not: what
 * holds the lock kills the daemon before.
 */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "perl", "chattr"})
@ExtendWith(Seeded.class)
class StoppedDaemonTest {
    private static final long SIZE = 160 << 20;

    @Test
    void writesNothingMoreThroughAMapThatMayBeOld(SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sizeMebibytes(448)
                        .create();
                Product product = new Product()) {
            Path image = files.path("image");
            Fragmenter fragments = Fragmenter.make(image, SIZE, 10_000, random);
            AttachedDisk disk = product.attach(image);
            assertEquals("physical", disk.engine(), disk.engineReason());
            new Command("sync").run();
            long before = sectorsWritten(files);
            try (NbdClient client = new NbdClient(disk.socket());
                    Attacker thief = new Attacker(Attack.TRUNCATE, image)) {
                // One request for all of the disk: it takes a second or so, ten thousand pieces one after the other.
                client.send(NbdClient.WRITE_ZEROES, NbdClient.FLAG_NO_HOLE, 1, 0, SIZE, ByteBuffer.allocate(0));
                awaitWrites(files, before);
                signal("STOP", disk);
                Path victim = files.path("victim");
                try {
                    assertTrue(thief.attack(), "the lease wasn't given up");
                    assertEquals(0, Files.size(image));
                    DirectFile.fill(victim, SIZE - (2 << 20), 7);
                } finally {
                    new Command("kill", "-CONT", disk.pid()).run();
                }
                assertThrows(IOException.class, client::receive, "it was killed");
                assertEquals(DirectFile.checksumOfFilled(SIZE - (2 << 20), 7), DirectFile.checksum(victim));
                fragments.checkNeighbours();
            }
        }
    }

    /** Lowered when it has begun: what was read at the attach, or at the beginning, would be too late. */
    @Test
    void isKilledByTheTimeThatIsInForceThen() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            LeaseBreakTime time = new LeaseBreakTime(files.root(), 45);
            product.behind(time.with(image));
            AttachedDisk disk = product.attach(image);
            product.behind(List.of());
            assertEquals("physical", disk.engine(), disk.engineReason());
            ProcessHandle daemon = disk.daemon();
            Path log = product.state().resolve(disk.unit()).resolve("log");
            try (Attacker thief = new Attacker(Attack.TRUNCATE, image)) {
                signal("STOP", disk);
                try {
                    thief.start();
                    while (!Files.readString(log).contains("vnd-lock: others want to write to the image\n")) {
                        Thread.sleep(10);
                    }
                    assertTrue(daemon.isAlive());
                    time.set(2);
                    // Half of 45 would be 22.
                    daemon.onExit().get(18, TimeUnit.SECONDS);
                } finally {
                    new Command("kill", "-CONT", disk.pid()).run();
                }
                assertTrue(Files.readString(log).contains(" the daemon hasn't stopped in time: killed\n"));
                assertTrue(thief.await(), "nobody keeps him waiting any more");
            }
        }
    }

    /** Waits until the disk's writes are on their way. */
    private static void awaitWrites(ScratchFileSystem files, long before) throws Exception {
        while (sectorsWritten(files) < before + 20_000) {
            Thread.onSpinWait();
        }
    }

    /** Documentation/block/stat.rst: the seventh field. */
    private static long sectorsWritten(ScratchFileSystem files) throws Exception {
        String stat = Files.readString(
                Path.of("/sys/block", files.device().getFileName().toString(), "stat"));
        return Long.parseLong(stat.trim().replaceAll("\\s+", " ").replaceAll("^(?:\\d+ ){6}(\\d+) .*$", "$1"));
    }

    private static void signal(String name, AttachedDisk disk) {
        new Command("kill", "-" + name, disk.pid()).run().succeeded();
    }
}
