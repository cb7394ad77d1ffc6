package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.adversary.LockProcess;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;

/** A disk of each file system whose daemon is killed, and what there may be to see of it afterwards. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "lsattr", "chattr", "getfattr", "setfattr", "strace", "cp"})
@ExtendWith(Seeded.class)
@ParameterizedClass
@EnumSource(names = {"EXT4", "XFS"})
abstract class CrashedDisk {
    static final int SIZE = 1 << 20;
    private static final int LOCK_END_SECONDS = 5;

    final FileSystemKind kind;
    ScratchFileSystem files;
    Product product;
    Path image;

    CrashedDisk(FileSystemKind kind) {
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
    void crash(Path path) {
        crash("vnd0", path);
        assertTrue(isImmutable(image) && hasRecord(image), "locked");
    }

    void crash(String unit, Path path) {
        product.run("-c", unit, path).succeeded();
        AttachedDisk disk = product.disk(unit).orElseThrow();
        assertEquals("physical", disk.engine());
        ProcessHandle keeper = disk.keeper();
        Optional<ProcessHandle> lock = LockProcess.of(disk.pid());
        disk.killDaemon();
        keeper.onExit().join();
        // It sees in a moment that nothing writes any more, and until then lets nobody open what isn't immutable. It
        // stays if the disk is served still.
        lock.ifPresent(each -> each.onExit()
                .completeOnTimeout(each, LOCK_END_SECONDS, TimeUnit.SECONDS)
                .join());
    }

    /** As root moves what is immutable. */
    static void move(Path from, Path to) {
        Command.output("chattr", "-i", from);
        Command.output("mv", "-T", from, to);
        Command.output("chattr", "+i", to);
    }

    static boolean isImmutable(Path file) {
        return ListedFlags.isImmutable(file);
    }

    static boolean hasRecord(Path file) {
        return !Command.output("getfattr", "-m", "^trusted.vnd$", file).isEmpty();
    }

    static void assertUnlocked(Path file) {
        assertFalse(isImmutable(file), file + " is immutable");
        assertFalse(hasRecord(file), file + " has a record");
    }

    static void delete(Path file) throws Exception {
        Command.output("chattr", "-i", file);
        Files.delete(file);
    }

    /** A new file that has {@code inode}. */
    Path heir(long inode) throws Exception {
        Path heir = image;
        for (int i = 0; i < 64 && heir.equals(image); i++) {
            Path file = files.path("new" + i);
            DirectFile.fill(file, SIZE, i);
            heir = (Long) Files.getAttribute(file, "unix:ino") == inode ? file : heir;
        }
        assertFalse(heir.equals(image), "nobody has inode " + inode);
        return heir;
    }

    void assertNoUnit() {
        assertEquals("[]", List.of(product.state().toFile().list()).toString());
    }

    void assertCrashed() {
        String listed = product.run("-l", "vnd0").succeeded().output();
        assertTrue(listed.startsWith("vnd0: crashed, "), listed);
    }
}
