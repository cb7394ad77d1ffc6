package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/**
 * A unit whose last disk crashed and can't be recovered yet keeps the record by which it will be: another unit is taken, or has
 * to be named.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "chattr"})
class EarlierDiskTest {
    private static final int SIZE = 1 << 20;
    private static final String NOT_USED = "not used, since its last disk can't be recovered yet: ";
    private static final String NAME_ANOTHER = "can't be used yet, name another unit: ";

    private ScratchFileSystem files;
    private ScratchFileSystem others;
    private Product product;

    @BeforeEach
    void makeFileSystems() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
        others = ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
        product = new Product();
    }

    @AfterEach
    void close() {
        product.close();
        others.close();
        files.close();
    }

    private static Path image(ScratchFileSystem on, String name) throws Exception {
        Path image = on.path(name);
        DirectFile.fill(image, SIZE, 1);
        return image;
    }

    private void kill(String unit) {
        AttachedDisk disk = product.disk(unit).orElseThrow();
        assertEquals("physical", disk.engine());
        ProcessHandle keeper = disk.keeper();
        disk.killDaemon();
        keeper.onExit().join();
    }

    private void assertCrashed(String unit) {
        String listed = product.run("-l", unit).succeeded().output();
        assertTrue(listed.startsWith(unit + ": crashed, "), listed);
    }

    private static boolean isImmutable(Path file) {
        return Command.output("lsattr", "-d", file).split(" ")[0].contains("i");
    }

    @Test
    void theKernelStillServesIt() throws Exception {
        Path image = image(files, "image");
        product.run("-c", "--export", "loop", "vnd0", image).succeeded();
        String node =
                Files.readSymbolicLink(product.state().resolve("vnd0/vnd0")).toString();
        String why = node + " still is that disk: unmount or close it first, and it goes away\n";
        try (InputStream user = Files.newInputStream(Path.of(node))) {
            kill("vnd0");
            Command.Result next = product.run("-c", image(files, "next")).succeeded();
            assertEquals("vnd1\n", next.output());
            assertTrue(
                    next.errors().startsWith("vndconfig: vnd0: " + NOT_USED + image + ": locked by "), next::toString);
            assertTrue(next.errors().endsWith(why), next::toString);
            assertEquals(1, next.errors().lines().count(), next::toString);
            String refusal = product.refusal("-c", "vnd0", image(files, "named"));
            assertTrue(refusal.startsWith("vndconfig: vnd0: " + NAME_ANOTHER + image + ": locked by "), refusal);
            assertCrashed("vnd0");
            // By the next unit, but it is the image itself that is in use: that is all there is to say.
            refusal = product.refusal("-c", image);
            assertTrue(refusal.startsWith("vndconfig: " + image + ": locked by "), refusal);
            assertCrashed("vnd0");
            assertTrue(user.read() >= 0, "it is served to the end");
        }
        Command.Result last = product.run("-c", image(files, "last")).succeeded();
        assertEquals("vnd0\n", last.output());
        assertEquals("", last.errors());
        assertFalse(isImmutable(image));
    }

    @Test
    void theirFileSystemIsNotMounted() throws Exception {
        List<Path> images = List.of(image(files, "image0"), image(files, "image1"));
        for (int i = 0; i < images.size(); i++) {
            product.run("-c", "vnd" + i, images.get(i)).succeeded();
        }
        kill("vnd0");
        kill("vnd1");
        files.unmountSoon();
        Command.Result next = product.run("-c", image(others, "next")).succeeded();
        assertEquals("vnd2\n", next.output());
        List<String> lines = next.errors().lines().toList();
        assertEquals(2, lines.size(), next::toString);
        for (int i = 0; i < images.size(); i++) {
            String line = lines.get(i);
            String begin = "vndconfig: vnd" + i + ": " + NOT_USED + images.get(i) + ": its file system isn't mounted";
            assertTrue(line.startsWith(begin), line);
            assertTrue(line.endsWith("; vndconfig -u -F vnd" + i + " gives the disk up"), line);
            assertCrashed("vnd" + i);
        }
        String refusal = product.refusal("-c", "vnd1", image(others, "named"));
        assertTrue(refusal.startsWith("vndconfig: vnd1: " + NAME_ANOTHER + images.get(1)), refusal);
        assertCrashed("vnd1");
        files.mount();
        product.run("--recover").succeeded();
        for (Path image : images) {
            assertFalse(isImmutable(image), image + " is still locked");
        }
    }
}
