package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;

/** --allocate makes a disk by its blocks of a file that has holes, and changes nothing that can be read in it. */
class AllocateTest extends DiskTest {
    private static final int BLOCK = 4096;

    /** An image that is mostly holes, with some data, and a stretch that was reserved and never written. */
    private static Path sparse(String name, long sizeBytes) throws Exception {
        Path image = files.path(name);
        Files.deleteIfExists(image);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
            file.write("begin".getBytes());
            file.seek(3 * MEBIBYTE + 100);
            file.write("middle".getBytes());
            file.seek(sizeBytes - 3);
            file.write("end".getBytes());
        }
        new Command("fallocate", "-o", 5 * MEBIBYTE, "-l", MEBIBYTE, image)
                .run()
                .succeeded();
        return image;
    }

    private static long storedBytes(Path image) {
        return Long.parseLong(Command.output("stat", "-c", "%b", image)) * 512;
    }

    @Test
    void makesASparseImagePhysical() throws Exception {
        Path image = sparse("sparse.img", 16 * MEBIBYTE);
        byte[] content = Files.readAllBytes(image);
        root.says("-c", "vnd0", image);
        assertEquals("file", root.field("vnd0", "engine"));
        assertTrue(root.field("vnd0", "engineReason").contains("--allocate"), "the reason says what helps");
        root.says("-u", "vnd0");
        assertTrue(storedBytes(image) < 2 * MEBIBYTE, "attaching alone fills nothing");

        root.says("-c", "--allocate", "vnd0", image);
        assertEquals("physical", root.field("vnd0", "engine"));
        Path copy = files.path("copy");
        root.copy(root.uri("vnd0"), copy);
        assertArrayEquals(content, Files.readAllBytes(copy));
        root.says("-u", "vnd0");
        assertArrayEquals(content, DirectFile.read(image));
        assertTrue(storedBytes(image) >= 16 * MEBIBYTE);

        root.says("-c", "vnd0", image);
        assertEquals("physical", root.field("vnd0", "engine"), "and stays so");
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @Test
    void withoutTheSpaceForItNothingIsAttached() throws Exception {
        long sizeBytes = 2 * files.root().toFile().getTotalSpace() / BLOCK * BLOCK;
        Path image = sparse("large.img", sizeBytes);
        String refusal = root.refusal("-c", "--allocate", "vnd0", image);
        assertEquals(
                "vndconfig: " + image
                        + ": --allocate: no space left in its file system; what was filled reads as zeros, as before",
                refusal);
        root.assertNothingLeft(image);
        assertTrue(Files.exists(image) && Files.size(image) == sizeBytes);
        Files.delete(image);
    }

    /** The setting as such a machine has it, for this caller alone. */
    @Test
    void whereNobodyCouldStopItInTimeItIsRefused() throws Exception {
        Path image = sparse("hasty.img", 16 * MEBIBYTE);
        long before = storedBytes(image);
        Path setting = Files.writeString(files.path("lease-break-time"), "2\n");
        String shell = "mount --bind \"$0\" /proc/sys/fs/lease-break-time; exec \"$@\"";
        root.behind("unshare", "--mount", "sh", "-euc", shell, setting);
        assertEquals(
                "vndconfig: " + image
                        + ": --allocate needs a lease on it: fs.lease-break-time=2 leaves no time to stop:"
                        + " set it to 45, the usual",
                root.refusal("-c", "--allocate", "vnd0", image));
        assertEquals(before, storedBytes(image));
        root.assertNothingLeft(image);
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "KILL"})
    void canBeInterrupted(String signal) throws Exception {
        Path image = sparse("interrupted.img", 160 * MEBIBYTE);
        long before = storedBytes(image);
        try (Command.Running attaching =
                root.command("-c", "--allocate", "vnd0", image).start()) {
            // In the middle: all of it is reserved, and most of it isn't filled.
            while (storedBytes(image) < before + 8 * MEBIBYTE) {
                assertTrue(attaching.alive(), () -> attaching.output() + attaching.errors());
            }
            new Command("kill", "-" + signal, attaching.pid()).run().succeeded();
            assertTrue(attaching.await(60).exitCode() != 0);
        }
        root.settle("vnd0");
        root.assertNothingLeft(image);
        byte[] head = new byte[BLOCK];
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.readFully(head);
            assertEquals("begin", new String(head, 0, 5));
            file.seek(160L * MEBIBYTE - 3);
            file.readFully(head, 0, 3);
            assertEquals("end", new String(head, 0, 3));
        }
        Files.delete(image);
    }
}
