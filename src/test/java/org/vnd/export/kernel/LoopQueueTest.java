package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LeaseBreakTime;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.system.AttachedDisk;
import org.vnd.system.Product;

@ExtendWith(Seeded.class)
class LoopQueueTest {
    private static final long GIVEN_MILLIS = 4500;

    /** A disk that does one write after the other, each in so many milliseconds, with as many queued as there may be. */
    @Test
    void whatIsQueuedIsDoneInTime(SeededRandom random) {
        for (int round = 0; round < 1000; round++) {
            long eachMillis = random.between(1, 2000);
            int depth = (int) random.between(4, 128);
            for (int look = 0; look < 20; look++) {
                long writes = random.between(1, 100);
                depth = LoopQueue.next(depth, writes, writes * depth * eachMillis, GIVEN_MILLIS);
                assertTrue(depth >= 4 && depth <= 128, depth + " requests");
            }
            assertTrue(
                    depth == 4 || depth * eachMillis <= 2 * GIVEN_MILLIS, depth + " writes of " + eachMillis + " ms");
            assertTrue(depth == 128 || depth * eachMillis * 8 >= GIVEN_MILLIS || eachMillis > GIVEN_MILLIS, depth + "");
        }
        assertEquals(17, LoopQueue.next(17, 0, 0, GIVEN_MILLIS), "nothing was written");
    }

    /** The kernel keeps all of this when a device is cleared, and the next disk gets its number. The folder stands for sysfs. */
    @Test
    void aSlowDiskThatWasThereBeforeIsForgotten(@TempDir Path folder) throws Exception {
        Path requests = Files.createDirectory(folder.resolve("queue")).resolve("nr_requests");
        Files.writeString(requests, "4\n");
        Path size = Files.writeString(folder.resolve("queue/max_sectors_kb"), "1280\n");
        Path discard = Files.writeString(folder.resolve("queue/discard_max_bytes"), "4096\n");
        Files.writeString(folder.resolve("queue/discard_max_hw_bytes"), "4294966784\n");
        Files.writeString(folder.resolve("queue/discard_granularity"), "4096\n");
        Path stat = Files.writeString(folder.resolve("stat"), "9 9 9 9 10 9 9 900000 9 9 9\n");
        LoopQueue queue = new LoopQueue("../.." + folder);
        assertEquals("128\n", Files.readString(requests));
        queue.look();
        assertEquals("128\n", Files.readString(requests), "it is slow by what an earlier one wrote");
        // One write, in an hour and a half.
        Files.writeString(stat, "9 9 9 9 11 9 9 6300000 9 9 9\n");
        queue.look();
        assertEquals("4\n", Files.readString(requests));
        assertEquals("512\n", Files.readString(size));
        assertEquals("65536\n", Files.readString(discard));
        queue.restore();
        queue.look();
        assertEquals("128\n", Files.readString(requests), "as for whoever is next");
        assertEquals("1280\n", Files.readString(size));
        assertEquals("4294963200\n", Files.readString(discard));
        queue.bound();
        assertEquals("4\n", Files.readString(requests), "somebody uses it");
        assertEquals("512\n", Files.readString(size));
    }

    /** By what was seen to be done in a second: ever so slow, or as quick as it gets. */
    @Test
    void aDiscardIsAsLargeAsManyAreSurelyDoneInTime(SeededRandom random) {
        for (int trial = 0; trial < 1000; trial++) {
            long bytesPerMilli = 1L << random.below(24);
            long bytes = 64 << 10;
            for (int look = 0; look < 30; look++) {
                // As many at once as there may be, one done after the other.
                long eachMillis = 128 * bytes / bytesPerMilli;
                long doneBytes = Math.max(bytes, 1000 * bytesPerMilli);
                bytes = LoopQueue.nextDiscard(bytes, eachMillis, doneBytes / 1000 * GIVEN_MILLIS / 128, GIVEN_MILLIS);
            }
            assertTrue(
                    bytes == 64 << 10 || 128 * bytes / bytesPerMilli <= GIVEN_MILLIS,
                    bytes + " at " + bytesPerMilli + " a millisecond");
            assertTrue(128 * bytes / bytesPerMilli >= GIVEN_MILLIS / 4 || bytesPerMilli < 64, bytes + " is too little");
        }
    }

    /** Slow, because the file system under the image's is frozen for a while. With 3 s to stop, a tenth is 300 ms. */
    @Test
    @Requires(
            loop = true,
            tools = {"mkfs.ext4", "fsfreeze", "dd"})
    void aSlowDeviceOfOursHasFewerRequests() throws Exception {
        try (ScratchFileSystem below = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sizeMebibytes(64)
                        .directory(below.root())
                        .buffered()
                        .create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            product.behind(new LeaseBreakTime(files.root(), 3).with(image));
            try (AttachedDisk disk = product.attach(image, "--export", "loop")) {
                product.behind(List.of());
                Path node = product.state()
                        .resolve(disk.unit())
                        .resolve(disk.unit())
                        .toRealPath();
                Path device = Path.of("/sys/block", node.getFileName().toString());
                Path requests = device.resolve("queue/nr_requests");
                assertEquals("128", Files.readString(requests).strip());
                Command.output("fsfreeze", "--freeze", below.root());
                try (Command.Running writer = new Command("dd", "if=/dev/zero", "of=" + node)
                        .with("bs=64k", "count=1", "oflag=direct", "conv=notrunc")
                        .start()) {
                    while (!Files.readString(device.resolve("inflight")).matches(" *0 +1\n")) {
                        assertTrue(writer.alive(), writer::errors);
                        Thread.sleep(5);
                    }
                    // How slow it is.
                    Thread.sleep(1000);
                    Command.output("fsfreeze", "--unfreeze", below.root());
                    writer.await(60).succeeded();
                } finally {
                    new Command("fsfreeze", "--unfreeze", below.root()).run();
                }
                long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
                while (Integer.parseInt(Files.readString(requests).strip()) == 128) {
                    assertTrue(System.nanoTime() < untilNanos, "as many as before");
                    Thread.sleep(20);
                }
            }
        }
    }

    @Test
    @Requires(
            loop = true,
            tools = {"mkfs.ext4"})
    void aDeviceOfOursHasSmallRequests() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            try (AttachedDisk disk = product.attach(image, "--export", "loop")) {
                Path node = product.state()
                        .resolve(disk.unit())
                        .resolve(disk.unit())
                        .toRealPath();
                Path limit = Path.of("/sys/block", node.getFileName().toString(), "queue/max_sectors_kb");
                assertTrue(Integer.parseInt(Files.readString(limit).strip()) <= 512, Files.readString(limit));
            }
        }
    }
}
