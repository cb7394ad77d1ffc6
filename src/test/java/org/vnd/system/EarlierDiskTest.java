package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
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
    private static final String NOT_USED = "not used, since what its last disk has left can't be removed yet: ";
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
        return ListedFlags.isImmutable(file);
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

    /** What it writes would be another file's by then. */
    @Test
    void theKernelStillServesItThoughItsImageIsDeleted() throws Exception {
        Path image = image(files, "image");
        product.run("-c", "--export", "loop", "vnd0", image).succeeded();
        String node =
                Files.readSymbolicLink(product.state().resolve("vnd0/vnd0")).toString();
        try (InputStream user = Files.newInputStream(Path.of(node))) {
            product.killAll();
            Command.output("chattr", "-i", image);
            Files.delete(image);
            assertCrashed("vnd0");
            String why = node + " still is that disk: unmount or close it first, and it goes away";
            for (int attempt = 0; attempt < 2; attempt++) {
                String refusal = product.refusal("--recover", "vnd0");
                assertTrue(refusal.endsWith(why), refusal);
            }
            Command.Result givenUp = product.run("-u", "-F", "vnd0").exited(1);
            assertTrue(givenUp.errors().strip().endsWith(why), givenUp::toString);
            assertCrashed("vnd0");
            assertTrue(user.read() >= 0, "it is served to the end");
        }
        product.run("--recover", "vnd0").succeeded();
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
        Command.Result foreground = inForeground(image(others, "foreground"));
        assertEquals("vnd3\n", foreground.output());
        assertEquals(2, foreground.errors().lines().count(), foreground::toString);
        files.mount();
        product.run("--recover").succeeded();
        for (Path image : images) {
            assertFalse(isImmutable(image), image + " is still locked");
        }
    }

    /** Attached and detached there: what it has said in between. */
    private Command.Result inForeground(Path image) throws Exception {
        try (Command.Running running =
                product.command("-c", "--foreground", image).start()) {
            while (running.output().isEmpty()) {
                assertTrue(running.alive(), running::errors);
                Thread.sleep(10);
            }
            product.run("-u", running.output().strip()).succeeded();
            return running.await(60).succeeded();
        }
    }

    /** It is what it was, also where nothing but its new name leads to it. */
    @Test
    void itIsTheImageThatIsAttachedNow() throws Exception {
        Path image = image(files, "image");
        product.run("-c", "vnd0", image).succeeded();
        kill("vnd0");
        Path record = product.state().resolve("vnd0/unit.json");
        String told = Files.readString(record);
        // As on a file system that has no handles.
        Files.writeString(record, told.replaceAll("\"handle\":\"[^\"]*\"", "\"handle\":\"\""));
        assertFalse(Files.readString(record).equals(told), told);
        Path renamed = files.path("renamed");
        Command.output("chattr", "-i", image);
        Command.output("mv", "-T", image, renamed);
        Command.output("chattr", "+i", renamed);
        Command.Result again = product.run("-c", "vnd0", renamed).succeeded();
        assertEquals("", again.errors());
        product.run("-u", "vnd0").succeeded();
        assertFalse(isImmutable(renamed));
    }

    /** Whatever ends an attach before the last disk is recovered, its record stays. */
    @Test
    void theNextDiskEndsBefore() throws Exception {
        Path image = image(files, "image");
        product.run("-c", "vnd0", image).succeeded();
        kill("vnd0");
        Path next = image(files, "next");
        String refusal = new Command(
                        "bash",
                        "-c",
                        "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\" 3</dev/null",
                        "bash",
                        product.program(),
                        "-c",
                        "vnd0",
                        next)
                .environment("VND_STATE", product.state().toString())
                .run()
                .exited(1)
                .errors();
        assertTrue(refusal.contains("is no listening stream socket"), refusal);
        assertCrashed("vnd0");

        Files.createDirectory(product.state().resolve("vnd0/uncommitted"));
        refusal = product.refusal("-c", "vnd0", next);
        assertTrue(refusal.contains("uncommitted"), refusal);
        assertCrashed("vnd0");

        // A record that can't be read now may be in a moment.
        Path record = product.state().resolve("vnd0/unit.json");
        Path elsewhere = record.resolveSibling("elsewhere");
        Files.move(record, elsewhere);
        Files.createSymbolicLink(record, record.getFileName());
        refusal = product.refusal("-c", "vnd0", next);
        assertTrue(refusal.startsWith("vndconfig: vnd0: " + NAME_ANOTHER + record + ": "), refusal);
        Files.move(elsewhere, record, StandardCopyOption.REPLACE_EXISTING);

        assertEquals("", product.run("-c", "vnd0", next).succeeded().errors());
        assertFalse(isImmutable(image));
    }
}
