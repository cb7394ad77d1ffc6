package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;

/** A unit whose image can't be had is given up by its name; one whose image is still served isn't. */
class GivenUpTest extends CrashedDisk {
    GivenUpTest(FileSystemKind kind) {
        super(kind);
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
        assertFalse(given.output().contains("-u -F"), given::toString);
        assertNoUnit();
        files.mount();
        assertTrue(isImmutable(image), "still locked");
        product.run("--recover", image).succeeded();
        assertUnlocked(image);
    }

    /** Its blocks may not become another file's as long as the kernel serves them: given up, nobody would know. */
    @Test
    void aDiskThatIsStillServedIsNotGivenUpNorAttachedAgain() throws Exception {
        product.run("-c", "--export", "loop", "vnd0", image).succeeded();
        String node =
                Files.readSymbolicLink(product.state().resolve("vnd0/vnd0")).toString();
        try (InputStream user = Files.newInputStream(Path.of(node))) {
            AttachedDisk disk = product.disk("vnd0").orElseThrow();
            ProcessHandle keeper = disk.keeper();
            disk.killDaemon();
            keeper.onExit().join();
            assertEquals(
                    "vnd0: crashed, " + image + ", but " + node
                            + " still is that disk (unmount or close it, then vndconfig --recover)\n",
                    product.run("-l", "vnd0").output());
            assertNotSimplyCrashed();
            for (String[] words :
                    new String[][] {{"-c", image.toString()}, {"-u", "-F", "vnd0"}, {"-u", "vnd0"}, {"--recover"}}) {
                String refusal = product.run((Object[]) words).exited(1).errors();
                if (words[0].equals("-c") && kind == FileSystemKind.XFS) {
                    // Where somebody might share its blocks, nobody may open it, and so nobody sees whose they are.
                    assertKept(refusal);
                    continue;
                }
                assertTrue(refusal.contains(node + " still is that disk: unmount or close it first"), refusal);
                assertFalse(refusal.contains("gives the disk up"), refusal);
            }
            assertCrashed();
            if (kind == FileSystemKind.EXT4) {
                // Somebody takes all our marks away himself.
                Command.output("chattr", "-i", image);
                Command.output("setfattr", "-x", "trusted.vnd", image);
                assertKept(product.run("-c", "vnd1", image).exited(1).errors());
            }
            assertTrue(user.read() >= 0, "it is served to the end");
        }
        product.run("-u", "-F", "vnd0").succeeded();
        assertNoUnit();
    }

    /** Where nothing can be read of its device, that isn't taken for none. */
    private void assertNotSimplyCrashed() throws Exception {
        Path names = product.state().resolve("vnd0/names");
        Path away = product.state().resolve("vnd0/away");
        Files.move(names, away);
        Files.createDirectory(names);
        String listed = product.run("-l", "vnd0").output();
        Files.delete(names);
        Files.move(away, names);
        assertTrue(
                listed.startsWith(
                        "vnd0: crashed, " + image + ", but perhaps a device still is that disk, which can't be told: "),
                listed);
    }

    private void assertKept(String refusal) {
        String what =
                "vndconfig: " + image + ": in use: pid \\d+ \\(vnd-lock\\) has it open for reading: of a disk that"
                        + " was killed, whose block device is still used: unmount or close that first\n";
        assertTrue(refusal.matches(what), refusal);
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
}
