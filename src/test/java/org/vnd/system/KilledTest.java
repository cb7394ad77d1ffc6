package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * SIGKILL to daemon and keeper, while a disk is attached and at any moment of attaching and detaching it: the file comes
 * back with its old flags, by {@code --recover} or the next {@code -c}, and no flushed write is missing.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "lsattr", "getfattr", "qemu-io"})
@ExtendWith(Seeded.class)
@ParameterizedClass
@CsvSource({"EXT4, physical", "XFS, physical", "BTRFS, file"})
class KilledTest {
    private static final int SIZE = 8 << 20;
    private static final int ROUNDS = Integer.getInteger("vnd.kills", 4);

    private final FileSystemKind kind;
    private final String engine;
    private ScratchFileSystem files;
    private Product product;
    private Path image;
    private String flags;

    KilledTest(FileSystemKind kind, String engine) {
        this.kind = kind;
        this.engine = engine;
    }

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(kind).create();
        product = new Product();
        image = files.path("image");
        DirectFile.fill(image, SIZE, 1);
        flags = ListedFlags.of(image);
    }

    @AfterEach
    void close() {
        product.close();
        files.close();
    }

    private AttachedDisk attach() {
        AttachedDisk disk = product.attach(image, "--engine", engine);
        assertEquals(engine, disk.engine());
        return disk;
    }

    /** The file is as it would be without vnd, and holds {@code value} everywhere. */
    private void checkFile(int value) throws IOException {
        assertEquals(flags, ListedFlags.of(image));
        assertEquals("", Command.output("getfattr", "-d", "-m", "-", image));
        byte[] expected = new byte[SIZE];
        Arrays.fill(expected, (byte) value);
        assertEquals(-1, Arrays.mismatch(expected, Files.readAllBytes(image)));
        assertEquals(-1, Arrays.mismatch(expected, DirectFile.read(image)));
    }

    private static void fill(AttachedDisk disk, int value) {
        disk.qemuIo("write -P " + value + " 0 8M", "flush").succeeded();
    }

    @Test
    void daemonKilledThenRecovered() throws Exception {
        AttachedDisk disk = attach();
        fill(disk, 1);
        disk.killDaemon();
        product.run("--recover", image).succeeded();
        checkFile(1);
        attach().detach();
    }

    @Test
    void daemonKilledThenAllRecovered() throws Exception {
        AttachedDisk disk = attach();
        fill(disk, 2);
        disk.killDaemon();
        product.run("--recover").succeeded();
        checkFile(2);
        assertTrue(product.disks().isEmpty());
    }

    @Test
    void daemonKilledThenAttachedAgain() throws Exception {
        AttachedDisk disk = attach();
        fill(disk, 3);
        disk.killDaemon();
        AttachedDisk again = attach();
        again.qemuIo("read -P 3 0 8M").succeeded();
        fill(again, 4);
        product.run("-u", "-F", again.unit()).succeeded();
        checkFile(4);
    }

    @Test
    void daemonKilledThenDetached() throws Exception {
        AttachedDisk disk = attach();
        fill(disk, 5);
        disk.killDaemon();
        product.run("-u", disk.unit()).succeeded();
        checkFile(5);
    }

    @Test
    void keeperKilledAndTheDiskGoesOn() throws Exception {
        AttachedDisk disk = attach();
        ProcessHandle keeper = disk.keeper();
        keeper.destroyForcibly();
        keeper.onExit().join();
        fill(disk, 6);
        product.run("-u", "-F", disk.unit()).succeeded();
        checkFile(6);
        assertTrue(product.disks().isEmpty());
        attach().detach();
    }

    @Test
    void bothKilled() throws Exception {
        AttachedDisk disk = attach();
        fill(disk, 7);
        ProcessHandle keeper = disk.keeper();
        keeper.destroyForcibly();
        disk.killDaemon();
        keeper.onExit().join();
        product.run("--recover", image).succeeded();
        checkFile(7);
        attach().detach();
    }

    /** All that the command has started by then dies at a random moment of the attach; the next attach works. */
    @Test
    void killedWhileAttaching(SeededRandom random) throws Exception {
        fill(attach(), 8);
        for (AttachedDisk disk : product.disks()) {
            product.run("-u", "-F", disk.unit()).succeeded();
        }
        for (int round = 0; round < ROUNDS; round++) {
            try (Command.Running attaching =
                    product.command("-c", "--engine", engine, image).start()) {
                Thread.sleep(random.below(1200));
                product.killAll();
                Command.Result result = attaching.await(180);
                assertTrue(result.exitCode() <= 1, result::toString);
                if (result.exitCode() == 0) {
                    // Too early for a kill, or too late: there is a disk, alive or crashed.
                    product.run("-u", "-F", result.output().trim()).succeeded();
                }
            }
            if (random.oneIn(2)) {
                product.run("--recover", image).succeeded();
                checkFile(8);
            }
            AttachedDisk disk = attach();
            disk.qemuIo("read -P 8 0 8M").succeeded();
            product.run("-u", "-F", disk.unit()).succeeded();
            checkFile(8);
        }
    }

    @Test
    void killedWhileDetaching(SeededRandom random) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            AttachedDisk disk = attach();
            fill(disk, 10 + round);
            ProcessHandle daemon = disk.daemon();
            try (Command.Running detaching =
                    product.command("-u", "-F", disk.unit()).start()) {
                Thread.sleep(random.below(500));
                daemon.destroyForcibly();
                daemon.onExit().join();
                Command.Result result = detaching.await(180);
                assertTrue(result.exitCode() <= 1, result::toString);
            }
            product.run("--recover", image).succeeded();
            checkFile(10 + round);
        }
    }
}
