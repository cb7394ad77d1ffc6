package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.sys.OwnProgram;
import org.vnd.system.Product;

/** A small program can't be run any more while a disk is attached, as when the package was removed, and is needed then. */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "perl", "fio", "qemu-io", "mount", "unshare", "nsenter", "blockdev"})
@ExtendWith(NoSecondTry.class)
class ProgramsGoneTest {
    private static final int LIMIT_SECONDS = 30;

    private ScratchFileSystem files;
    private Product product;
    private AttackedDisk disk;

    @BeforeEach
    void begin() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .sizeMebibytes(128)
                .withoutReserve()
                .create();
        product = new Product();
    }

    private void attach(String export) throws Exception {
        Path image = files.path("image");
        product.behind(MountNamespace.with(files.root()));
        disk = AttackedDisk.attach(
                        product, List.of(new AttackedDisk.Plan(image, AttackedDisk.IMAGE_BYTES, export, List.of())))
                .get(0);
        product.behind(List.of());
        disk.write(1000);
        disk.awaitWrites();
    }

    @AfterEach
    void end() throws Exception {
        try (ScratchFileSystem last = files;
                Product first = product) {
            disk.close();
            AttackedDisk.detach(List.of(disk));
        }
    }

    /** As the disk's processes see it. */
    private void inItsPlace(Object... words) {
        new Command("nsenter", "--mount", "--target", disk.disk.pid())
                .with(words)
                .run()
                .succeeded();
    }

    private void takeAway(String program) {
        inItsPlace("mount", "--bind", "/dev/null", OwnProgram.path(program));
    }

    private ProcessHandle lock() {
        return LockProcess.of(disk.disk.pid()).orElseThrow();
    }

    /** The one that is started then has never seen the program, and the one that keeps the device answers nobody. */
    @Test
    void aLoopDeviceFailsWithoutItsProgramByANewLock() throws Exception {
        attach("loop");
        long device = disk.loopProgram().pid();
        Command.output("kill", "-STOP", device);
        try {
            takeAway("vnd-loop");
            ProcessHandle before = lock();
            before.destroyForcibly();
            await(() -> LockProcess.of(disk.disk.pid()).filter(now -> now.pid() != before.pid()));
            Thread.sleep(2000);
            assertTrue(disk.writing(), disk::listing);
            try (Attacker thief = new Attacker(Attack.TRUNCATE, files.path("image"))) {
                thief.start();
                await(() -> disk.writing() ? Optional.empty() : Optional.of(true));
                disk.disk.killDaemon();
                assertTrue(thief.await(), disk::listing);
            }
            Victim victim = Victim.takeAll(files.path("victim"), 1, disk.extents);
            Thread.sleep(1000);
            assertEquals(Optional.empty(), victim.damage(), disk::listing);
            assertTrue(victim.inheritedBytes(disk.extents) > 0, "it has none of the image's blocks");
        } finally {
            Command.output("kill", "-CONT", device);
        }
    }

    @Test
    void whileNoLockCanBeStartedTheListingSaysSo() throws Exception {
        attach("nbd");
        assertFalse(disk.listing().contains("without: lock"), disk::listing);
        takeAway("vnd-lock");
        lock().destroyForcibly();
        String listed = await(() -> Optional.of(disk.listing()).filter(text -> text.contains("without: lock: ")));
        String why =
                "without: lock: it is to be had back, and requests wait for that: what keeps its lock can't be started: ";
        assertTrue(listed.contains(why), listed);
        inItsPlace("umount", OwnProgram.path("vnd-lock"));
        await(() -> Optional.of(disk.listing()).filter(text -> !text.contains("without: lock")));
        assertTrue(disk.serves(), disk::listing);
    }

    private static <T> T await(Callable<Optional<T>> found) throws Exception {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (true) {
            Optional<T> now = found.call();
            if (now.isPresent()) {
                return now.get();
            }
            assertTrue(System.nanoTime() < endNanos, "it doesn't happen");
            Thread.sleep(50);
        }
    }
}
