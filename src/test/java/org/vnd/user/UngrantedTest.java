package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.NativeProgram;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** Each protection of the image that can't be had where it is attached: the disk does without, and the listing names it. */
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "lsattr", "getfattr", "flock", "setpriv", "chown", "qemu-io", "strace"})
class UngrantedTest extends DiskTest {
    private static final String ADVICE = "lock: others can write to, cut and remove the file";

    /** What the listing says that {@code vnd0} is without, of the image. */
    private static List<String> without(Caller caller, String what) {
        return caller.says("-l", "-v", "vnd0")
                .lines()
                .filter(line -> line.startsWith("\twithout: " + what + ":"))
                .map(line -> line.substring("\twithout: ".length()))
                .toList();
    }

    /** Root is no stranger to the file elsewhere, but is in a container that has no CAP_LEASE. */
    @Test
    void aLeaseOnAnothersFile() throws Exception {
        Path image = image("anothers.img", MEBIBYTE);
        Command.output("chown", "65534:65534", image);
        root.behind("setpriv", "--bounding-set=-lease");
        try (Command.Running writer =
                new Command("sh", "-c", "exec 3<>\"$0\"; echo held; exec sleep 600", image).start()) {
            while (!writer.output().contains("held")) {
                assertTrue(writer.alive(), writer::errors);
                Caller.pause();
            }
            String said = root.run("-c", "-v", "vnd0", image).succeeded().errors();
            String untold = "it can't be told whether others have it open (lease: Permission denied)";
            assertTrue(said.contains(image + ": " + untold + "\n"), said);
            assertEquals("no permission to take a lease on it", root.field("vnd0", "engineReason"));
            assertEquals(List.of(ADVICE, "lock: " + untold), without(root, "lock"));
        }
        root.run("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    /** The kernel refuses the first two locks that are asked for: the lease, and one of QEMU's. */
    @Test
    void noLockAtAll() throws Exception {
        Path image = image("unlocked.img", MEBIBYTE);
        try (Command.Running disk = root.other("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null")
                .with("-P", image, "-e", "trace=fcntl", "-e", "inject=fcntl:error=ENOLCK:when=1..2")
                .with(Caller.ownProgram(), "-c", "-v", "--foreground", "--engine", "file", "vnd0", image)
                .start()) {
            while (!root.says("-l", "vnd0").contains(" inode ")) {
                assertTrue(disk.alive(), disk::errors);
                Caller.pause();
            }
            List<String> missing = List.of(
                    "it can't be told whether others have it open (lease: No locks available)",
                    "QEMU's programs aren't kept out of it (locks: No locks available)");
            for (String each : missing) {
                assertTrue(disk.errors().contains(image + ": " + each + "\n"), disk::errors);
            }
            assertEquals(List.of(ADVICE, "lock: " + missing.get(0), "lock: " + missing.get(1)), without(root, "lock"));
            root.other("qemu-io", "-f", "raw", "-c", "write 0 4k", image).run().succeeded();
            root.run("-u", "vnd0").exited(1);
        }
        root.assertNothingLeft(image);
    }

    @Test
    void nothing() throws Exception {
        Path image = image("granted.img", MEBIBYTE);
        root.says("-c", "--engine", "file", "vnd0", image);
        assertEquals(List.of(ADVICE), without(root, "lock"));
        root.other("qemu-io", "-f", "raw", "-c", "write 0 4k", image).run().exited(1);
        root.says("-u", "vnd0");
        root.says("-c", "vnd0", image);
        assertEquals(List.of(), without(root, "guard"));
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    /** Where readers can do no harm, the lease is enough to attach by the blocks; where one could share them, it isn't. */
    @ParameterizedTest
    @CsvSource({"EXT4, physical", "XFS, file"})
    void aGuardOfOpens(FileSystemKind kind, String engine) throws Exception {
        String refusal = "fanotify: Operation not permitted";
        try (ScratchFileSystem system = ScratchFileSystem.of(kind).buffered().create();
                Caller caller = new Caller(system.root()).behind(NativeProgram.build("seccomp"), "EPERM")) {
            Path image = system.path("unguarded.img");
            DirectFile.fill(image, MEBIBYTE, 1);
            caller.says("-c", "vnd0", image);
            assertEquals(engine, caller.field("vnd0", "engine"));
            boolean guardable = engine.equals("physical");
            String guard = "guard: " + refusal + ": opens aren't refused when the immutable flag is taken away";
            assertEquals(guardable ? List.of(guard) : List.of(), without(caller, "guard"));
            assertEquals(guardable ? List.of() : List.of(ADVICE), without(caller, "lock"));
            if (!guardable) {
                assertEquals(
                        "readers could share its blocks (reflink), and they can't be kept out (" + refusal + ")",
                        caller.field("vnd0", "engineReason"));
            }
            caller.says("-u", "vnd0");
            caller.assertNothingLeft(image);
        }
    }
}
