package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Unmapper;

/**
 * Somebody has a page of the image mapped, which is older than what the disk has written: as long as he has, the image can't be
 * unlocked. He is told of before anything of the disk ends.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "qemu-io", "getfattr", "lsattr"})
class MappedImageTest {
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);

    private ScratchFileSystem files;
    private final Product product = new Product();
    private Path image;
    private String flags;
    private AttachedDisk disk;
    private MappedByteBuffer mapping;

    /** By the loop driver, and over NBD like every disk. */
    @BeforeEach
    void attach() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
        image = files.path("image");
        DirectFile.fill(image, 8 << 20, 1);
        flags = ListedFlags.of(image);
        disk = product.attach(image, "--export", "loop");
        assertEquals("physical", disk.engine(), disk.engineReason());
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.READ)) {
            mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
        }
        mapping.load();
    }

    @AfterEach
    void close() throws Exception {
        Unmapper.unmap(mapping);
        product.close();
        files.close();
    }

    private Path folder() {
        return product.state().resolve(disk.unit());
    }

    private static void write(Object target, int value, String place) {
        String commands = "write -P " + value + " " + place + " 64k";
        Command.Result result = new Command("qemu-io", "-f", "raw", "-t", "none", "-c", commands, target)
                .run()
                .succeeded();
        assertFalse((result.output() + result.errors()).contains("failed"), result::toString);
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        for (long beganNanos = System.nanoTime(); !condition.getAsBoolean(); Thread.sleep(20)) {
            assertTrue(System.nanoTime() - beganNanos < LIMIT_NANOS, "not within a minute");
        }
    }

    private String log() {
        try {
            return Files.readString(folder().resolve("log"));
        } catch (IOException e) {
            return "";
        }
    }

    private void assertUnlocked() throws Exception {
        assertEquals(flags, ListedFlags.of(image));
        assertEquals("", Command.output("getfattr", "-d", "-m", "-", image));
    }

    @Test
    void aRefusedDetachLeavesTheDiskAsItWas() throws Exception {
        String listing = product.run("-l", "-v", disk.unit()).succeeded().output();
        String refusal = product.refusal("-u", disk.unit());
        assertTrue(refusal.contains(" of it stay in the page cache: "), refusal);
        String who = "pid " + ProcessHandle.current().pid() + " (java) has it mapped";
        assertTrue(refusal.contains(who), refusal);
        write(disk.uri(), 10, "0");
        write(folder().resolve(disk.unit()), 20, "1M");
        assertEquals(listing, product.run("-l", "-v", disk.unit()).succeeded().output());
        Unmapper.unmap(mapping);
        // Who has just hung up may still count as a client.
        await(() -> {
            Command.Result detached = product.run("-u", disk.unit());
            boolean busy = detached.errors().endsWith("Device busy (1 client is connected)\n");
            return !busy && detached.succeeded().exitCode() == 0;
        });
        assertTrue(product.disks().isEmpty());
        assertUnlocked();
        byte[] content = DirectFile.read(image);
        assertEquals(10, content[0]);
        assertEquals(20, content[1 << 20]);
    }

    /** As at the end of the machine, when all are told to end at the same time. */
    @Test
    void aDiskThatIsToldToEndWaitsAWhile() throws Exception {
        write(disk.uri(), 7, "0");
        ProcessHandle keeper = disk.keeper();
        Command.output("kill", "-TERM", disk.pid());
        // Twice, a second after the other.
        await(() -> log().split(" of it stay in the page cache: ", -1).length > 2);
        assertTrue(disk.daemon().isAlive());
        Unmapper.unmap(mapping);
        keeper.onExit().get(60, TimeUnit.SECONDS);
        // What the keeper leaves of one that has ended with another status than 0.
        assertFalse(Files.exists(folder()), "it crashed");
        assertEquals(
                "vnd0: not in use\n", product.run("-l", disk.unit()).succeeded().output());
        assertUnlocked();
        assertEquals(7, DirectFile.read(image)[0]);
    }
}
