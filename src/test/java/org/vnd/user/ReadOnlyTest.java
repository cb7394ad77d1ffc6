package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;

/** A disk attached with -r can be read, and its file is afterwards what it was, its times too. */
class ReadOnlyTest extends DiskTest {
    @ParameterizedTest
    @ValueSource(strings = {"physical", "file"})
    void cannotBeWritten(String engine) throws Exception {
        Path image = image("readonly.img", MEBIBYTE);
        byte[] content = DirectFile.read(image);
        FileTime then = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(image, then);
        root.says("-c", "-r", "--engine", engine, "vnd0", image);
        assertEquals("true", root.field("vnd0", "readonly"));
        String uri = root.uri("vnd0");
        new Command("nbdinfo", "--is", "read-only", uri).run().succeeded();
        // Clients give up when the server says that it is read-only; that it also refuses is the NBD server's test.
        assertTrue(root.other("nbdcopy", image("content", MEBIBYTE), uri).run().exitCode() != 0);
        assertTrue(root.other("qemu-io", "-f", "raw", "-c", "write 0 4096", uri)
                        .run()
                        .exitCode()
                != 0);
        Path copy = files.path("copy");
        root.copy(uri, copy);
        assertArrayEquals(content, Files.readAllBytes(copy));
        root.says("-u", "vnd0");
        assertArrayEquals(content, DirectFile.read(image));
        assertEquals(then, Files.getLastModifiedTime(image));
        root.assertNothingLeft(image);
    }

    @Test
    void aWrittenDisksFileIsNewer() throws Exception {
        Path image = image("written.img", MEBIBYTE);
        FileTime then = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(image, then);
        root.says("-c", "vnd0", image);
        root.qemuIo("vnd0", "write -P 7 0 4096");
        root.says("-u", "vnd0");
        assertTrue(Files.getLastModifiedTime(image).compareTo(then) > 0);
    }

    @Test
    void whatMayOnlyBeReadNeedsIt() throws Exception {
        Path image = image("immutable.img", MEBIBYTE);
        new Command("chattr", "+i", image).run().succeeded();
        try {
            assertTrue(root.refusal("-c", "vnd0", image).contains(image + ": immutable"));
            root.says("-c", "-r", "vnd0", image);
            // There is no record in it of who has it.
            assertEquals(
                    "vndconfig: " + image + ": already attached as vnd0 (pid "
                            + root.daemon("vnd0").pid() + ")",
                    root.refusal("-c", "-r", image));
            root.says("-u", "vnd0");
            assertTrue(Marks.isImmutable(image), "the owner's own flag stays");
            assertEquals(
                    "vndconfig: " + image + ": --allocate writes, which -r forbids",
                    root.refusal("-c", "-r", "--allocate", image));
        } finally {
            new Command("chattr", "-i", image).run().succeeded();
        }
        root.assertNothingLeft(image);
    }
}
