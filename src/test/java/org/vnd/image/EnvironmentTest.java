package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Unmapper;
import org.vnd.sys.FileCalls;

/** Without privilege, in a container without device nodes, on a kernel without cachestat(2). */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "setpriv", "unshare"})
class EnvironmentTest {
    private ScratchFileSystem files;
    private Path path;

    @BeforeEach
    void create() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create();
        path = files.path("image");
        DirectFile.fill(path, 1 << 20, 1);
    }

    @AfterEach
    void close() {
        files.close();
    }

    @Test
    void anOrdinaryUserGoesByFile() throws Exception {
        Command.output("chown", "65534:65534", path);
        List<String> asNobody = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
        try (OtherProcess other = OtherProcess.attaching(asNobody, path, Engine.AUTO)) {
            assertEquals(files.device() + " can't be opened: Permission denied", other.line());
            assertEquals("attached", other.line());
            other.finish();
        }
        assertEquals('k', Files.readAllBytes(path)[0]);
        Command.output("chown", "0:0", path);
        try (OtherProcess other = OtherProcess.attaching(asNobody, path, Engine.AUTO)) {
            String reason = "no permission to write: attach it read-only with -r, or get that permission";
            assertEquals("refused " + path + ": " + reason, other.line());
        }
    }

    @Test
    void aDeviceNodeIsMadeWhereThereIsNone() throws Exception {
        String script = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/random c 1 8"
                + " && mknod -m 666 /dev/urandom c 1 9 && exec \"$@\"";
        List<String> container = new ArrayList<>(MountNamespace.with(path));
        container.addAll(List.of("sh", "-c", script, "sh"));
        try (OtherProcess other = OtherProcess.attaching(container, path, Engine.PHYSICAL)) {
            assertEquals("ext4 on " + files.device() + ", 1 extent", other.line());
            assertEquals("attached", other.line());
            other.finish();
        }
        assertEquals('k', Files.readAllBytes(path)[0]);
        Attached.assertUnlocked(path);
    }

    @Test
    void mincoreCountsWhatCachestatCounts() throws Exception {
        int fd = FileCalls.open(path.toString(), FileCalls.O_RDONLY);
        try {
            assertEquals(0, PageCache.empty(fd, path.toString(), 1 << 20));
            assertEquals(0, PageCache.pagesByMapping(fd, path.toString(), 1 << 20));
            Files.readAllBytes(path);
            assertEquals(256, PageCache.pages(fd, path.toString(), 1 << 20));
            assertEquals(256, PageCache.pagesByMapping(fd, path.toString(), 1 << 20));
            MappedByteBuffer mapping;
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
                mapping.get(0);
            }
            assertTrue(PageCache.empty(fd, path.toString(), 1 << 20) > 0);
            assertTrue(PageCache.pagesByMapping(fd, path.toString(), 1 << 20) > 0);
            Unmapper.unmap(mapping);
            assertEquals(0, PageCache.empty(fd, path.toString(), 1 << 20));
        } finally {
            FileCalls.close(fd);
        }
    }
}
