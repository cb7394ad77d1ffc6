package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * What happens to an image between the crash of its disk and the recovery: it is unlocked wherever it is by then, no other
 * file is touched, and a unit whose image can't be had is given up by its name.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "lsattr", "chattr", "getfattr", "setfattr"})
@ExtendWith(Seeded.class)
@ParameterizedClass
@EnumSource(names = {"EXT4", "XFS"})
class LostImageTest {
    private static final int SIZE = 1 << 20;

    private final FileSystemKind kind;
    private ScratchFileSystem files;
    private Product product;
    private Path image;

    LostImageTest(FileSystemKind kind) {
        this.kind = kind;
    }

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(kind).buffered().create();
        product = new Product();
        image = files.path("image");
        DirectFile.fill(image, SIZE, 1);
    }

    @AfterEach
    void close() {
        product.close();
        files.close();
    }

    /** Attaches what {@code path} leads to as vnd0, and kills its daemon. */
    private void crash(Path path) {
        product.run("-c", "vnd0", path).succeeded();
        AttachedDisk disk = product.disk("vnd0").orElseThrow();
        assertEquals("physical", disk.engine());
        ProcessHandle keeper = disk.keeper();
        disk.killDaemon();
        keeper.onExit().join();
        assertTrue(isImmutable(image) && hasRecord(image), "locked");
    }

    /** As root moves what is immutable. */
    private static void move(Path from, Path to) {
        Command.output("chattr", "-i", from);
        Command.output("mv", "-T", from, to);
        Command.output("chattr", "+i", to);
    }

    private static boolean isImmutable(Path file) {
        return Command.output("lsattr", "-d", file).split(" ")[0].contains("i");
    }

    private static boolean hasRecord(Path file) {
        return !Command.output("getfattr", "-m", "^trusted.vnd$", file).isEmpty();
    }

    private static void assertUnlocked(Path file) {
        assertFalse(isImmutable(file), file + " is immutable");
        assertFalse(hasRecord(file), file + " has a record");
    }

    private void assertNoUnit() {
        assertEquals("[]", List.of(product.state().toFile().list()).toString());
    }

    private void assertCrashed() {
        String listed = product.run("-l", "vnd0").succeeded().output();
        assertTrue(listed.startsWith("vnd0: crashed, "), listed);
    }

    @Test
    void aLinkThatLeadsElsewhereSinceIsNotFollowed() throws Exception {
        Path other = files.path("other");
        DirectFile.fill(other, SIZE, 2);
        Path link = files.path("link");
        for (List<String> words : List.of(List.of("-u", "vnd0"), List.of("--recover"), List.of("--recover", "vnd0"))) {
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, image);
            crash(link);
            Files.delete(link);
            Files.createSymbolicLink(link, other);
            Command.output("chattr", "+i", other);
            Command.Result result = product.run(words.toArray()).succeeded();
            assertTrue(result.output().startsWith(image + ": recovered, it was vnd0 (pid "), result::toString);
            assertUnlocked(image);
            assertTrue(isImmutable(other), "somebody else's");
            Command.output("chattr", "-i", other);
            assertNoUnit();
        }
    }

    @Test
    void aNewDiskOfTheUnitUnlocksTheOldOnesImage() throws Exception {
        Path other = files.path("other");
        DirectFile.fill(other, SIZE, 2);
        crash(image);
        Path moved = files.path("moved");
        move(image, moved);
        product.run("-c", "vnd0", other).succeeded();
        assertUnlocked(moved);
        product.run("-u", "vnd0").succeeded();
        assertNoUnit();
    }

    @Test
    void aMovedImageIsFoundByWhatItIs() throws Exception {
        Path folder = Files.createDirectory(files.path("folder with blank"));
        Path moved = folder.resolve("moved");
        crash(image);
        move(image, moved);
        // Another has its name, and even a copy of its record.
        Command.output("cp", "-a", moved, image);
        assertTrue(hasRecord(image), "copied");
        String said = product.run("--recover").succeeded().output();
        assertTrue(said.startsWith(moved + ": recovered, it was vnd0 (pid "), said);
        assertUnlocked(moved);
        assertTrue(hasRecord(image), "not this disk's file");
        assertNoUnit();
    }

    /** The kernel knows no path of it, since nobody has looked for one. */
    @Test
    void aMovedImageIsFoundAfterItsFileSystemWasMountedAgain() throws Exception {
        Path folder = Files.createDirectory(files.path("folder"));
        crash(image);
        move(image, folder.resolve("moved"));
        files.cycleSoon();
        String said = product.run("-u", "vnd0").succeeded().output();
        assertTrue(said.startsWith(image + " (now inode "), said);
        assertUnlocked(folder.resolve("moved"));
        assertNoUnit();
    }

    @Test
    void aDeletedImageIsNothingToUnlock() throws Exception {
        crash(image);
        long inode = (Long) Files.getAttribute(image, "unix:ino");
        Command.output("chattr", "-i", image);
        Files.delete(image);
        // One of these has its inode.
        Path heir = image;
        for (int i = 0; i < 64 && heir.equals(image); i++) {
            Path file = files.path("new" + i);
            DirectFile.fill(file, 4096, i);
            heir = (Long) Files.getAttribute(file, "unix:ino") == inode ? file : heir;
        }
        assertFalse(heir.equals(image), "nobody has inode " + inode);
        Command.output("setfattr", "-n", "trusted.vnd", "-v", "somebody's", heir);
        Command.output("chattr", "+i", heir);
        assertEquals(
                image + ": deleted since, nothing is left to unlock\n",
                product.run("--recover", "vnd0").succeeded().output());
        assertTrue(isImmutable(heir) && hasRecord(heir), "another file");
        Command.output("chattr", "-i", heir);
        assertNoUnit();
    }

    @Test
    void aFileSystemThatIsMountedElsewhereIsFound() throws Exception {
        crash(image);
        files.unmountSoon();
        Path elsewhere = Files.createTempDirectory(Path.of("/var/tmp"), "vnd lost ");
        String refusal = product.refusal("--recover");
        assertTrue(
                refusal.startsWith("vndconfig: " + image + ": its file system isn't mounted here (" + files.device()
                        + ", device "),
                refusal);
        assertTrue(
                refusal.contains("it was on " + files.root() + "): mount it, then vndconfig --recover vnd0; "),
                refusal);
        assertCrashed();
        Command.output("mount", files.device(), elsewhere);
        try {
            product.run("--recover").succeeded();
            assertUnlocked(elsewhere.resolve("image"));
            assertNoUnit();
        } finally {
            Command.output("umount", elsewhere);
            Files.delete(elsewhere);
            files.mount();
        }
    }

    /** By its UUID, where kernels tell (Linux 6.9). */
    @Test
    void aFileSystemThatIsOnAnotherDeviceByNowIsFound() throws Exception {
        crash(image);
        files.unmountSoon();
        Path elsewhere = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-lost-");
        try (LoopDevice other = LoopDevice.attach(files.root().resolveSibling("backing"), false)) {
            Command.output("mount", other.path(), elsewhere);
            try {
                product.run("--recover").succeeded();
                assertUnlocked(elsewhere.resolve("image"));
                assertNoUnit();
            } finally {
                Command.output("umount", elsewhere);
            }
        } finally {
            Files.delete(elsewhere);
            files.mount();
        }
    }

    @Test
    void inAnotherMountNamespaceItIsFoundByItsFileSystem() throws Exception {
        crash(image);
        Path elsewhere = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-lost-");
        try {
            Command.Result result = new Command(MountNamespace.with(image).toArray())
                    .with(
                            "sh",
                            "-euc",
                            "mount --bind \"$1\" \"$2\"; umount \"$1\"; cd /proc; exec \"$3\" --recover vnd0")
                    .with("sh", files.root(), elsewhere, product.program())
                    .environment("VND_STATE", product.state().toString())
                    .limitSeconds(180)
                    .run()
                    .succeeded();
            assertTrue(result.output().contains(": recovered, it was vnd0 (pid "), result::toString);
            assertUnlocked(image);
            assertNoUnit();
        } finally {
            Files.delete(elsewhere);
        }
    }

    @Test
    void everyPathOfTheFileWillDo() throws Exception {
        Path hard = Files.createLink(files.path("hard"), image);
        Path link = Files.createSymbolicLink(files.path("link"), hard);
        Path mounted = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-lost-");
        Command.output("mount", "--bind", files.root(), mounted);
        try {
            for (Path path : List.of(hard, link, mounted.resolve("image"), mounted.resolve("hard"))) {
                crash(image);
                String said = product.run("--recover", path).succeeded().output();
                assertTrue(said.startsWith(path + ": recovered, it was vnd0 (pid "), said);
                assertUnlocked(image);
                assertNoUnit();
            }
        } finally {
            Command.output("umount", mounted);
            Files.delete(mounted);
        }
    }

    @Test
    void aReadOnlyFileSystemIsSaidAndTheUnitStays() throws Exception {
        crash(image);
        files.remount("ro");
        String refusal = product.refusal("--recover");
        assertTrue(refusal.contains("its file system is mounted read-only: remount it"), refusal);
        assertCrashed();
        files.remount("rw");
        product.run("--recover").succeeded();
        assertUnlocked(image);
        assertNoUnit();
    }

    @Test
    void aUnitIsGivenUpAndItsFileUnlockedLater() throws Exception {
        crash(image);
        files.unmountSoon();
        String refusal = product.run("-u", "vnd0").exited(1).errors();
        assertTrue(refusal.contains("; vndconfig -u -F vnd0 gives the disk up\n"), refusal);
        Command.Result given = product.run("-u", "-F", "vnd0").succeeded();
        assertTrue(
                given.output().startsWith("vnd0: given up (" + image + ": its file system isn't mounted"),
                given::toString);
        assertTrue(given.output().contains("unlocked by vndconfig --recover and its name"), given::toString);
        assertNoUnit();
        files.mount();
        assertTrue(isImmutable(image), "still locked");
        product.run("--recover", image).succeeded();
        assertUnlocked(image);
    }

    @Test
    void aUnitWithoutAReadableRecordIsGivenUpAndItsFileUnlocked() throws Exception {
        crash(image);
        Path record = product.state().resolve("vnd0/unit.json");
        Files.writeString(record, "{\"unit\":");
        String name = "vndconfig: " + record + ": not the record of a disk: ";
        for (List<String> words :
                List.of(List.of("-l"), List.of("-u", "vnd0"), List.of("--recover"), List.of("--recover", "vnd0"))) {
            Command.Result result = product.run(words.toArray()).exited(1);
            assertTrue(result.errors().startsWith(name), result::toString);
            assertTrue(result.errors().endsWith(" (vndconfig -u -F vnd0 gives the disk up)\n"), result::toString);
            assertEquals(1, result.errors().lines().count(), result::toString);
        }
        assertTrue(hasRecord(image), "nothing changed");
        product.run("--recover", image).succeeded();
        assertUnlocked(image);
        product.run("-u", "-F", "vnd0").succeeded();
        assertNoUnit();
    }

    /** The unit that is free is one with a record that says nothing: it is used all the same, and that is said. */
    @Test
    void anUnreadableRecordIsInNobodysWay() throws Exception {
        crash(image);
        Path record = product.state().resolve("vnd0/unit.json");
        Files.delete(record);
        Files.createDirectory(record);
        Command.Result again = product.run("-c", image).succeeded();
        assertEquals("vnd0\n", again.output());
        assertTrue(
                again.errors().startsWith("vndconfig: vnd0: what its last disk has left can't be recovered (" + record),
                again::toString);
        product.run("-u", "vnd0").succeeded();
        assertUnlocked(image);
        assertNoUnit();
    }

    /** All that the command has started dies at any moment; meanwhile the image gets another name. */
    @Test
    void killedWheneverAndMovedThen(SeededRandom random) throws Exception {
        Path here = image;
        for (int round = 0; round < 4; round++) {
            try (Command.Running attaching =
                    product.command("-c", "--engine", "physical", here).start()) {
                Thread.sleep(random.below(1500));
                product.killAll();
                attaching.await(180);
            }
            product.killAll();
            Path moved = files.path("moved" + round);
            boolean locked = isImmutable(here);
            Command.output("chattr", "-i", here);
            Files.move(here, moved);
            if (locked) {
                Command.output("chattr", "+i", moved);
            }
            product.run("--recover").succeeded();
            assertUnlocked(moved);
            assertTrue(product.disks().isEmpty());
            here = moved;
        }
    }
}
