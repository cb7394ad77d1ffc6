package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.extent.ExtentMap;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/** What is found out of holes, of the file systems that know of them and of ramfs, which doesn't. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "fallocate"})
class HolesTest {
    private static final int SIZE = 1 << 20;

    private interface Body {
        void run(int fd, Path path) throws Exception;
    }

    private static void open(Path path, Body body) throws Exception {
        int fd = (int) Libc.check(FileCalls.open(path.toString(), FileCalls.O_RDWR), "open", path.toString());
        try {
            body.run(fd, path);
        } finally {
            FileCalls.close(fd);
        }
    }

    private static void onRamfs(Body body) throws Exception {
        Path folder = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-holes-");
        try {
            Command.output("mount", "-t", "ramfs", "none", folder);
            try {
                Path path = Files.write(folder.resolve("image"), new byte[8192]);
                Command.output("truncate", "-s", SIZE, path);
                open(path, body);
            } finally {
                Command.output("umount", folder);
            }
        } finally {
            Files.delete(folder);
        }
    }

    private static String state(Path path) throws IOException {
        return Files.getLastModifiedTime(path) + " " + Command.output("stat", "-c", "%s %b", path);
    }

    /** Not the image's time, nor what somebody has reserved behind its end. */
    @ParameterizedTest
    @EnumSource
    void askingWhetherHolesCanBePunchedChangesNothing(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = Files.write(files.path("image"), new byte[SIZE]);
            Command.output("fallocate", "-n", "-o", SIZE, "-l", SIZE, path);
            Command.output("touch", "-d", "2020-02-02 02:02:02.123456789", path);
            Command.output("sync", "-f", path);
            String before = state(path);
            open(path, (fd, name) -> assertTrue(HolePunching.ofFile(fd, FileFacts.read(fd, name.toString()))));
            assertEquals(before, state(path));
        }
    }

    @Test
    void whereNoHoleCanBePunchedItIsKnown() throws Exception {
        onRamfs((fd, path) -> {
            String before = state(path);
            assertFalse(HolePunching.ofFile(fd, FileFacts.read(fd, path.toString())));
            assertEquals(before, state(path));
        });
    }

    /** Linux answers for such a file system that all is data. */
    @Test
    void whereNobodyTellsOfHolesItIsKnown() throws Exception {
        onRamfs((fd, path) -> {
            assertNull(HoleMap.bySeeking(fd, path.toString(), SIZE));
            Files.write(path, new byte[SIZE]);
            try (ExtentMap map = HoleMap.bySeeking(fd, path.toString(), SIZE)) {
                assertNotNull(map);
                assertEquals(1, map.count());
            }
        });
    }
}
