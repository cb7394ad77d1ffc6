package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.DirectFile;
import org.vnd.lab.NativeProgram;
import org.vnd.lab.Requires;

/**
 * In a container whose filter refuses io_uring, and on a kernel without it, disks work by threads and say so. Without
 * cachestat(2), which is younger, they count pages of the cache another way, in spite of their locked memory. Without fanotify(7)
 * they don't see what others write to the file, and say that too.
 */
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "lsattr", "getfattr", "flock", "nbdcopy", "nbdinfo"})
class IoUringRefusedTest extends DiskTest {
    @ParameterizedTest
    @CsvSource({
        "EPERM, auto, physical, Operation not permitted",
        "EPERM, file, file, Operation not permitted",
        "ENOSYS, auto, physical, Function not implemented",
        "ENOSYS, file, file, Function not implemented"
    })
    void threadsDoIt(String error, String asked, String engine, String reason) throws Exception {
        Path image = image("refused.img", 8 * MEBIBYTE);
        Path content = image("content", 8 * MEBIBYTE + 4096);
        byte[] expected = DirectFile.read(content);
        root.behind(NativeProgram.build("seccomp"), error);
        root.says("-c", "--engine", asked, "--sizelimit", "8M", "vnd0", image);
        assertEquals(engine, root.field("vnd0", "engine"));
        assertEquals("threads (io_uring_setup: " + reason + ")", root.field("vnd0", "io"));
        String unseen = "\twithout: notice: that others write to the file isn't seen: fanotify: " + reason + "\n";
        assertEquals(engine.equals("file"), root.says("-l", "-v", "vnd0").contains(unseen));

        try (Caller unhindered = new Caller(files.root())) {
            String uri = root.uri("vnd0");
            unhindered.other("truncate", "-s", "8M", content).run().succeeded();
            unhindered.copy(content, uri);
            unhindered.copy(uri, "back");
            root.says("-u", "vnd0");
        }
        byte[] written = Arrays.copyOf(expected, 8 * MEBIBYTE);
        assertArrayEquals(written, DirectFile.read(files.path("back")));
        assertArrayEquals(written, DirectFile.read(image));
        root.assertNothingLeft(image);
    }
}
