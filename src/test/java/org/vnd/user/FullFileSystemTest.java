package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;

/** A sparse image on a file system that runs full: the client is told, and everything else goes on. */
class FullFileSystemTest extends DiskTest {
    @Test
    void theClientIsToldAndTheDiskGoesOn() throws Exception {
        Path image = files.path("thin.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(64L * MEBIBYTE);
        }
        root.says("-c", "vnd0", image);
        assertEquals("file", root.field("vnd0", "engine"));
        assertWorks("write -P 1 0 64k", "wrote 65536/65536");

        Path filler = files.path("filler");
        new Command("dd", "if=/dev/zero", "of=" + filler, "bs=1M", "oflag=direct").run();
        new Command("dd", "if=/dev/zero", "of=" + filler, "bs=4k", "oflag=direct,append", "conv=notrunc").run();
        Command.Result full = root.other("qemu-io", "-f", "raw", "-c", "write -P 2 32M 4M", root.uri("vnd0"))
                .run();
        assertTrue(full.toString().contains("No space left on device"), full.toString());
        // What has its blocks can still be read and written, by the same disk.
        assertWorks("read -P 1 0 64k", "read 65536/65536");
        assertWorks("write -P 3 4k 4k", "wrote 4096/4096");
        assertWorks("flush", "");

        Files.delete(filler);
        assertWorks("write -P 2 32M 4M", "wrote 4194304/4194304");
        assertWorks("read -P 2 32M 4M", "read 4194304/4194304");
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    private void assertWorks(String command, String expected) {
        Command.Result result = root.other("qemu-io", "-f", "raw", "-c", command, root.uri("vnd0"))
                .run();
        assertTrue(result.exitCode() == 0 && result.output().contains(expected), result.toString());
    }
}
