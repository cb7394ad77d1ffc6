package org.vnd.extent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.OnDisk;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FiemapExtent;

/** On whatever file system the temporary directory has, if that answers FIEMAP. */
class FiemapReaderTest {
    private static final int STRIPES = 300;
    private static final int STRIPE_BYTES = 64 * 1024;

    @TempDir(factory = OnDisk.class)
    private Path directory;

    @Test
    void everyBatchSizeReadsTheSameAndHolesAreNotMapped() throws Exception {
        Path file = stripedFile();
        int fd = open(file);
        try {
            List<Extent> all = read(fd, FiemapReader.BATCH_EXTENTS);
            // Each second stripe is a hole, so there is at least one extent for each of the others.
            assertTrue(all.size() >= STRIPES / 2, all.size() + " extents");
            for (int batch : new int[] {1, 2, 7, all.size() - 1, all.size(), all.size() + 1}) {
                assertEquals(all, read(fd, batch), "batches of " + batch);
            }
            for (Extent extent : all) {
                assertTrue(extent.logicalBytes() / STRIPE_BYTES % 2 == 0, extent.toString());
                assertEquals(extent == all.get(all.size() - 1), extent.has(FiemapExtent.LAST), extent.toString());
            }
            try (ExtentMapBuilder builder = new ExtentMapBuilder(Files.size(file))) {
                for (Extent extent : all) {
                    builder.addData(extent.logicalBytes(), extent.physicalBytes(), extent.lengthBytes());
                }
                try (ExtentMap map = builder.build()) {
                    for (int stripe = 0; stripe < STRIPES; stripe++) {
                        int run = map.find((long) stripe * STRIPE_BYTES);
                        assertEquals(stripe % 2 == 1, map.hole(run), "stripe " + stripe);
                    }
                }
            }
        } finally {
            FileCalls.close(fd);
        }
    }

    @Test
    void anyPartsReadByAnyThreadsAreTheSameMap() throws Exception {
        Path file = stripedFile();
        long size = Files.size(file);
        int fd = open(file);
        read(fd, 1);
        try (ExtentMap whole = mapOf(fd, size, size, 1)) {
            assertTrue(whole.holes() >= STRIPES / 2 - 1, whole.holes() + " holes");
            for (long partBytes : new long[] {4096, STRIPE_BYTES, 7 * 4096, size / 4096 * 4096, size - 1, size + 1}) {
                for (int threads : new int[] {1, 2, 5}) {
                    try (ExtentMap map = mapOf(fd, size, partBytes, threads)) {
                        assertTrue(whole.contentEquals(map), "parts of " + partBytes + " by " + threads);
                    }
                }
            }
        } finally {
            FileCalls.close(fd);
        }
    }

    private static ExtentMap mapOf(int fd, long size, long partBytes, int threads) throws Exception {
        ExtentMap map = MapReader.read(
                fd,
                "test file",
                size,
                partBytes,
                threads,
                part -> extent -> part.addData(extent.logicalBytes(), extent.physicalBytes(), extent.lengthBytes()));
        assertNotNull(map);
        return map;
    }

    @Test
    void aPartIsToldOfNothingElse() throws Exception {
        Path file = stripedFile();
        int fd = open(file);
        read(fd, 1);
        try (FiemapReader reader = new FiemapReader(7)) {
            List<Extent> extents = new ArrayList<>();
            long start = 10L * STRIPE_BYTES + 4096;
            long end = 20L * STRIPE_BYTES + 4096;
            assertTrue(reader.read(fd, "test file", start, end, extents::add));
            assertTrue(extents.size() >= 6, extents.toString());
            for (Extent extent : extents) {
                assertTrue(extent.endBytes() > start && extent.logicalBytes() < end, extent.toString());
            }
        } finally {
            FileCalls.close(fd);
        }
    }

    @Test
    void whatOneThreadThrowsIsThrownOnceAllHaveEnded() throws Exception {
        Path file = stripedFile();
        int fd = open(file);
        read(fd, 1);
        try {
            AtomicInteger receivers = new AtomicInteger();
            MapReader.Filling third = part -> receivers.incrementAndGet() == 3
                    ? extent -> {
                        throw new SysException("receive", "a test", Errno.EIO);
                    }
                    : extent -> {};
            long size = Files.size(file);
            SysException thrown = assertThrows(
                    SysException.class, () -> MapReader.read(fd, "test file", size, STRIPE_BYTES, 3, third));
            assertEquals(Errno.EIO, thrown.errno());
            assertFalse(Thread.getAllStackTraces().keySet().stream()
                    .anyMatch(thread -> thread.getName().startsWith("vnd-map-")));
            MapReader.Filling wrong = part -> extent -> {
                throw new AssertionError("wrong");
            };
            assertThrows(IllegalStateException.class, () -> MapReader.read(fd, "test file", size, size, 1, wrong));
        } finally {
            FileCalls.close(fd);
        }
    }

    @Test
    void aFileWithoutStorageHasNoExtents() throws Exception {
        Path file = directory.resolve("empty");
        Files.write(file, new byte[0]);
        int fd = open(file);
        try {
            assertEquals(List.of(), read(fd, 4));
        } finally {
            FileCalls.close(fd);
        }
    }

    @Test
    void aDeviceOfCharactersHasNoMap() throws Exception {
        int fd = open(Path.of("/dev/null"));
        try (FiemapReader reader = new FiemapReader()) {
            SysException refused = assertThrows(SysException.class, () -> reader.read(fd, "/dev/null", extent -> {}));
            assertEquals(Errno.EOPNOTSUPP, refused.errno());
            assertEquals("FIEMAP /dev/null: Operation not supported", refused.getMessage());
        } finally {
            FileCalls.close(fd);
        }
    }

    private Path stripedFile() throws Exception {
        Path file = directory.resolve("striped");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int stripe = 0; stripe < STRIPES; stripe += 2) {
                channel.write(ByteBuffer.allocate(STRIPE_BYTES), (long) stripe * STRIPE_BYTES);
            }
            channel.write(ByteBuffer.allocate(1), (long) STRIPES * STRIPE_BYTES);
        }
        return file;
    }

    private static int open(Path file) throws Exception {
        return (int) Libc.check(FileCalls.open(file.toString(), FileCalls.O_RDONLY), "open", file.toString());
    }

    private static List<Extent> read(int fd, int batchExtents) throws Exception {
        List<Extent> extents = new ArrayList<>();
        try (FiemapReader reader = new FiemapReader(batchExtents)) {
            boolean complete = reader.read(fd, "test file", extents::add);
            assertTrue(complete);
        } catch (SysException refused) {
            Assumptions.abort("no FIEMAP on the temporary directory: " + refused.getMessage());
        }
        assertFalse(extents.stream().anyMatch(extent -> extent.lengthBytes() <= 0));
        return extents;
    }
}
