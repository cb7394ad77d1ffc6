package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.SeededRandom;

/**
 * What happens to an image between the crash of its disk and the recovery: it is unlocked wherever it is by then, and no other
 * file is touched.
 */
class LostImageTest extends CrashedDisk {
    LostImageTest(FileSystemKind kind) {
        super(kind);
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
        delete(image);
        Path heir = heir(inode);
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
        files.changeDevice();
        Command.output("mount", files.device(), elsewhere);
        try {
            String said = product.run("--recover").succeeded().output();
            assertTrue(said.endsWith(" (on " + files.device() + ", where it is now)\n"), said);
            assertUnlocked(elsewhere.resolve("image"));
            assertNoUnit();
        } finally {
            Command.output("umount", elsewhere);
            Files.delete(elsewhere);
            files.mount();
        }
    }

    /** What is done where a copy of the image's file system is mounted and that itself isn't. */
    private interface Deed {
        void at(Path root) throws Exception;
    }

    private void withACopy(Deed deed) throws Exception {
        files.unmountSoon();
        Path elsewhere = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-lost-");
        Path copy = Path.of(elsewhere + ".copy");
        Command.output("cp", "--sparse=always", files.backing(), copy);
        try (LoopDevice other = LoopDevice.attach(copy, false)) {
            Command.output("mount", other.path(), elsewhere);
            try {
                deed.at(elsewhere);
            } finally {
                Command.output("umount", elsewhere);
            }
        } finally {
            Files.delete(elsewhere);
            Files.delete(copy);
            files.mount();
        }
    }

    @Test
    void aCopyIsNotUnlockedInItsPlace() throws Exception {
        crash(image);
        withACopy(root -> {
            Path copied = root.resolve("image");
            String refusal = product.refusal("--recover");
            assertTrue(refusal.contains(" is on another device than the image of vnd0, which was on "), refusal);
            assertTrue(isImmutable(copied) && hasRecord(copied), "untouched");
            assertCrashed();
            product.run("--recover", copied).succeeded();
            assertUnlocked(copied);
            assertCrashed();
        });
        assertTrue(isImmutable(image) && hasRecord(image), "untouched");
        product.run("--recover").succeeded();
        assertUnlocked(image);
        assertNoUnit();
    }

    @Test
    void aCopyWithoutTheImageDoesntProveThatItIsDeleted() throws Exception {
        crash(image);
        withACopy(root -> {
            delete(root.resolve("image"));
            String refusal = product.refusal("--recover");
            assertTrue(refusal.contains(": its file system isn't mounted here ("), refusal);
            assertCrashed();
        });
        product.run("--recover").succeeded();
        assertUnlocked(image);
    }

    /** Made anew, with none of the old files. */
    @Test
    void anotherFileSystemOnItsDeviceProvesNothing() throws Exception {
        crash(image);
        files.unmountSoon();
        if (kind == FileSystemKind.EXT4) {
            Command.output("mkfs.ext4", "-q", "-F", files.device());
        } else {
            Command.output("mkfs.xfs", "-q", "-f", files.device());
        }
        files.mount();
        String refusal = product.refusal("--recover");
        assertTrue(refusal.contains(": its file system isn't mounted here ("), refusal);
        assertCrashed();
        // Before Linux 6.9 XFS has no identity of its own, and some makers of images give none.
        Path record = product.state().resolve("vnd0/unit.json");
        Files.writeString(record, Files.readString(record).replaceAll("\"uuid:[0-9a-f]+\"", "\"\""));
        refusal = product.refusal("--recover");
        assertTrue(
                refusal.contains(": isn't found, and whether it is deleted can't be told (the file system on "),
                refusal);
        assertCrashed();
    }

    /** Of a file whose inode can't be read, the kernel says to its handle what it says of a deleted one. */
    @Test
    void whatCantBeReadIsNotDeleted() throws Exception {
        Path folder = Files.createDirectory(files.path("folder"));
        image = Files.move(image, folder.resolve("image"));
        crash(image);
        files.cycleSoon();
        Command.output("truncate", "-s", "64K", files.backing());
        String refusal = product.refusal("--recover");
        // Of the file that is found, or of what was looked for: it depends on what the kernel still has in memory.
        assertTrue(refusal.startsWith("vndconfig: " + image), refusal);
        assertTrue(refusal.contains(": Input/output error"), refusal);
        assertCrashed();
    }

    /** What was deleted then may be there again after the log was replayed. */
    @Test
    void whatWasDeletedWhenTheFileSystemStoppedNeedntBe() throws Exception {
        crash(image);
        Command.output("sync", "-f", image);
        delete(image);
        files.shutDown();
        String refusal = product.refusal("--recover");
        assertTrue(refusal.contains(files.root() + ": Input/output error"), refusal);
        assertCrashed();
        files.cycleSoon();
        product.run("--recover").succeeded();
        assertTrue(!Files.exists(image) || !hasRecord(image), "unlocked, if it is there");
        assertNoUnit();
    }

    /** As containers have it: the first mount is for reading, and another isn't. */
    @Test
    void aMountThatCanBeWrittenIsPreferred() throws Exception {
        Path writable = Files.createTempDirectory(Path.of("/var/tmp"), "vnd-lost-");
        for (String name : List.of("image", "moved")) {
            crash(image);
            Path now = files.path(name);
            if (!now.equals(image)) {
                move(image, now);
            }
            Command.output("mount", "--bind", files.root(), writable);
            Command.output("mount", "-o", "remount,bind,ro", files.root());
            try {
                product.run("--recover").succeeded();
                assertUnlocked(now);
                assertNoUnit();
            } finally {
                Command.output("umount", writable);
                Command.output("mount", "-o", "remount,bind,rw", files.root());
            }
        }
        Files.delete(writable);
    }

    /** Numbers of inodes come again: the file that is named is another disk's, of which only its own record tells. */
    @Test
    void aFileThatHasTheNumberOfTheDisksIsRecoveredForItself() throws Exception {
        crash(image);
        long inode = (Long) Files.getAttribute(image, "unix:ino");
        delete(image);
        Path heir = heir(inode);
        crash("vnd1", heir);
        Command.output("rm", "-r", product.state().resolve("vnd1"));
        String said = product.run("--recover", heir).succeeded().output();
        assertTrue(said.startsWith(heir + ": recovered, it was vnd1 (pid "), said);
        assertTrue(said.endsWith(" (vnd0 had another file, and stays)\n"), said);
        assertUnlocked(heir);
        assertCrashed();
        product.run("--recover", "vnd0").succeeded();
        assertNoUnit();
    }

    @Test
    void whatIsBeingRecoveredIsListedSo() throws Exception {
        crash(image);
        Path log = files.path("strace");
        boolean seen = false;
        try (Command.Running recovery = new Command("strace", "-f", "--seccomp-bpf", "-qq", "-o", log)
                .with("-P", image, "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=5000000")
                .with(product.program(), "--recover", "vnd0")
                .environment("VND_STATE", product.state().toString())
                .limitSeconds(180)
                .start()) {
            while (recovery.alive()) {
                String listed = product.run("-l", "vnd0").succeeded().output();
                if (listed.equals("vnd0: recovering " + image + "\n")) {
                    seen = true;
                    String json = product.run("-l", "--json").succeeded().output();
                    assertTrue(json.contains("\"state\":\"recovering\"") || json.contains("[]"), json);
                }
            }
            recovery.await(180);
        }
        assertTrue(seen, "it was never listed");
        assertUnlocked(image);
        assertNoUnit();
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
