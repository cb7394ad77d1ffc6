package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
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
        Path stat = Files.writeString(folder.resolve("stat"), "9 9 9 9 10 9 9 900000 9 9 9\n");
        LoopQueue queue = new LoopQueue("../.." + folder);
        assertEquals("128\n", Files.readString(requests));
        queue.look();
        assertEquals("128\n", Files.readString(requests), "it is slow by what an earlier one wrote");
        // One write, in an hour and a half.
        Files.writeString(stat, "9 9 9 9 11 9 9 6300000 9 9 9\n");
        queue.look();
        assertEquals("4\n", Files.readString(requests));
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
