package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Requires;

/** What somebody without privileges gets, and root in a container that has few: the file engine, and the reason why. */
@Requires(
        loop = true,
        tools = {"setpriv", "mkfs.ext4", "lsattr", "getfattr", "flock", "nbdcopy", "nbdinfo", "qemu-nbd"})
class UnprivilegedTest extends DiskTest {
    /** nobody and nogroup, on Debian and elsewhere. */
    private static final int ID = 65534;

    private static final List<String> AS_NOBODY =
            List.of("setpriv", "--reuid=" + ID, "--regid=" + ID, "--clear-groups", "--bounding-set=-all");

    /** A folder that belongs to nobody, with an image of his. */
    private static Path home() throws Exception {
        Path home = files.path("home");
        if (!Files.exists(home)) {
            Files.createDirectories(home.resolve("run"));
            Files.setPosixFilePermissions(home.resolve("run"), PosixFilePermissions.fromString("rwx------"));
        }
        DirectFile.fill(home.resolve("mine.img"), 4 * MEBIBYTE, 1);
        new Command("chown", "-R", ID + ":" + ID, home).run().succeeded();
        return home;
    }

    private static Caller nobody(Path home) throws Exception {
        return new Caller(home, home.resolve("run/vnd"))
                .behind(AS_NOBODY.toArray())
                .behind("env", "-u", "VND_STATE", "XDG_RUNTIME_DIR=" + home.resolve("run"))
                .behind("HOME=" + home);
    }

    @Test
    void aUserAttachesHisOwnFile() throws Exception {
        Path home = home();
        Path image = home.resolve("mine.img");
        Path program = Distribution.readableByAll();
        try (Caller nobody = nobody(home).program(program)) {
            Command.Result attached = nobody.run("-c", "mine.img").succeeded();
            assertEquals("vnd0\n", attached.output());
            assertEquals(
                    "vnd0: nbd+unix:///?socket=" + home + "/run/vnd/vnd0/nbd.sock (no block device: that takes root)\n",
                    attached.errors());
            assertEquals("file", nobody.field("vnd0", "engine"));
            String reason = nobody.field("vnd0", "engineReason");
            assertTrue(reason.endsWith(files.device() + " can't be opened: Permission denied"), reason);
            assertEquals(home.resolve("run/vnd/vnd0/nbd.sock").toString(), socket(nobody.uri("vnd0")));
            assertEquals("rwx------", permissions(home.resolve("run/vnd/vnd0")));
            assertEquals("rw-------", permissions(home.resolve("run/vnd/vnd0/nbd.sock")));
            assertTrue(nobody.says("-l", "vnd0").endsWith(" inode " + Files.getAttribute(image, "unix:ino") + "\n"));
            assertEquals("vnd0: not in use\n", root.says("-l", "vnd0"), "root's disks are others");

            byte[] content = new byte[4 * MEBIBYTE];
            Arrays.fill(content, (byte) 0x5a);
            Files.write(home.resolve("content"), content);
            nobody.copy("content", nobody.uri("vnd0"));
            nobody.copy(nobody.uri("vnd0"), "back");
            assertEquals("vnd0: cleared\n", nobody.says("-u", "-v", "vnd0"));
            assertArrayEquals(content, Files.readAllBytes(home.resolve("back")));
            assertArrayEquals(content, DirectFile.read(image));
            nobody.assertNothingLeft(image);
        }
    }

    @Test
    void othersCannotReachRootsDisk() throws Exception {
        Path home = home();
        Path image = image("roots.img", MEBIBYTE);
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-------"));
        root.says("-c", "vnd0", image);
        try (Caller nobody = nobody(home)) {
            Command.Result result = nobody.other("nbdinfo", root.uri("vnd0")).run();
            assertTrue(result.exitCode() != 0 && result.errors().contains("Permission denied"), result.toString());
        }
        try (Caller nobody = nobody(home).program(Distribution.readableByAll())) {
            assertEquals("vndconfig: " + image + ": Permission denied", nobody.refusal("-c", "vnd0", image));
        }
        root.says("-u", "vnd0");
    }

    @Test
    void readingIsEnoughForAReadOnlyDisk() throws Exception {
        Path home = home();
        Path image = image("public.img", MEBIBYTE);
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-r--r--"));
        try (Caller nobody = nobody(home).program(Distribution.readableByAll())) {
            assertEquals("vndconfig: " + image + ": Permission denied", nobody.refusal("-c", "vnd0", image));
            nobody.says("-c", "-r", "--export", "nbd", "vnd0", image);
            assertEquals("file", nobody.field("vnd0", "engine"));
            nobody.says("-u", "vnd0");
            nobody.assertNothingLeft(image);
        }
    }

    /** Of another's file the kernel gives no lease, which would tell; and a user isn't told which process it is. */
    @Test
    void ofAnothersFileQemusLocksTell() throws Exception {
        Path home = home();
        Path image = image("shared.img", MEBIBYTE);
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("rw-rw-rw-"));
        Path socket = home.resolve("qemu.sock");
        try (Caller nobody = nobody(home).program(Distribution.readableByAll())) {
            try (Command.Running server = new Command("qemu-nbd", "-t", "-f", "raw", "-k", socket, image).start()) {
                while (!Files.exists(socket)) {
                    assertTrue(server.alive(), server::errors);
                    Caller.pause();
                }
                assertEquals(
                        "vndconfig: " + image
                                + ": in use by QEMU, or by a program with the same locks: /proc doesn't show which",
                        nobody.refusal("-c", "--export", "nbd", "vnd0", image));
            }
            nobody.says("-c", "--export", "nbd", "vnd0", image);
            String listed = nobody.says("-l", "-v", "vnd0");
            assertTrue(listed.contains("\twithout: lock: others can write to, cut and remove the file\n"), listed);
            Command.output("dd", "if=/dev/zero", "of=" + image, "bs=4096", "count=1", "conv=notrunc");
            String noticed = "others have written to its file: check what it holds";
            while (!nobody.says("-l", "-v", "vnd0").contains("\tnoticed: " + noticed + "\n")) {
                Caller.pause();
            }
            assertEquals("vndconfig: vnd0: detached, but " + noticed, nobody.refusal("-u", "vnd0"));
            nobody.assertNothingLeft(image);
        }
    }

    @Test
    void rootWithoutTheFlagsCapabilityUsesTheFile() throws Exception {
        Path image = image("container.img", MEBIBYTE);
        root.behind("setpriv", "--bounding-set=-linux_immutable");
        root.says("-c", "vnd0", image);
        assertEquals("file", root.field("vnd0", "engine"));
        String reason = root.field("vnd0", "engineReason");
        assertTrue(reason.endsWith("it can't be made immutable: Operation not permitted"), reason);
        assertFalse(Marks.isImmutable(image));
        root.says("-u", "vnd0");
        String refusal = root.refusal("-c", "--engine", "physical", "vnd0", image);
        assertEquals(
                "vndconfig: " + image + ": not possible with --engine physical: it can't be made immutable: "
                        + "Operation not permitted",
                refusal);
        root.assertNothingLeft(image);
    }

    private static String permissions(Path path) throws Exception {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    private static String socket(String uri) {
        return uri.substring(uri.indexOf("socket=") + "socket=".length());
    }
}
