package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** With --offset and --sizelimit a disk is exactly that part of its file, and what is outside can't be reached. */
@ExtendWith(Seeded.class)
class WindowTest extends DiskTest {
    @ParameterizedTest
    @CsvSource({
        "physical, 1M,   2M,     1048576, 2097152",
        "physical, 4096, 512,    4096,    512",
        "physical, 3M,   '',     3145728, 1048576",
        "physical, '',   1536,   0,       1536",
        "file,     1M,   2M,     1048576, 2097152",
        "file,     4K,   1000K,  4096,    1024000",
        "file,     2MiB, 100G,   2097152, 2097152"
    })
    void isThatPart(String engine, String offset, String limit, int start, int size, SeededRandom random)
            throws Exception {
        Path image = image("window.img", 4 * MEBIBYTE);
        byte[] expected = DirectFile.read(image);
        var attach = root.command("-c", "--engine", engine, "vnd0", image);
        if (!offset.isEmpty()) {
            attach.with("--offset", offset);
        }
        if (!limit.isEmpty()) {
            attach.with("--sizelimit=" + limit);
        }
        attach.run().succeeded();
        assertEquals(size + "", root.field("vnd0", "size"));
        assertEquals(engine, root.field("vnd0", "engine"));

        Path part = files.path("part");
        root.copy(root.uri("vnd0"), part);
        assertArrayEquals(Arrays.copyOfRange(expected, start, start + size), Files.readAllBytes(part));

        // All of it, by requests that end at its last byte and try to go on from there.
        byte[] other = new byte[size];
        random.fill(other);
        Files.write(part, other);
        root.copy(part, root.uri("vnd0"));
        String uri = root.uri("vnd0");
        for (String beyond : new String[] {"write -P 1 " + (size - 512) + " 1024", "write -P 1 " + size + " 512"}) {
            String said =
                    root.other("qemu-io", "-f", "raw", "-c", beyond, uri).run().toString();
            assertTrue(said.contains("beyond the end") || said.contains("Input/output error"), said);
        }
        root.says("-u", "vnd0");
        System.arraycopy(other, 0, expected, start, size);
        assertArrayEquals(expected, DirectFile.read(image));
        root.assertNothingLeft(image);
    }

    @Test
    void aWindowThatCannotBeIsRefused() throws Exception {
        Path image = image("window.img", MEBIBYTE);
        String name = "vndconfig: " + image + ": ";
        assertEquals(
                name + "offset 1048576 is past its end at 1048576 bytes", root.refusal("-c", "--offset", "1M", image));
        assertEquals(name + "offset 1000 is no multiple of 512", root.refusal("-c", "--offset", "1000", image));
        assertEquals(name + "size limit 100 is no multiple of 512", root.refusal("-c", "--sizelimit", "100", image));
        assertEquals(
                "vndconfig: --offset: 1X is no number of bytes; K, M, G or T after it mean powers of 1024",
                root.refusal("-c", "--offset", "1X", image));
        root.assertNothingLeft(image);
    }
}
