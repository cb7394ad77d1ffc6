package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.LoopDevice;

/** What can't be a disk is refused with one line that says why, and nothing is changed. */
class RefusedFileTest extends DiskTest {
    private void refused(String expected, Object... arguments) {
        assertEquals("vndconfig: " + expected, root.refusal(arguments));
        root.assertNothingLeft();
    }

    @Test
    void whatIsNoFile() throws Exception {
        refused("nosuch.img: No such file or directory", "-c", "nosuch.img");
        refused("nosuch.img: No such file or directory", "-c", "vnd0", "nosuch.img");
        refused("no/such.img: No such file or directory", "-c", "no/such.img");
        Path image = image("file.img", MEBIBYTE);
        refused("file.img/x: Not a directory", "-c", "file.img/x");
        Files.createDirectory(files.path("folder"));
        refused("folder: Is a directory", "-c", "folder");
        String notRegular = ": VNDIOCSET: Operation not supported (" + files.root();
        refused("folder" + notRegular + "/folder is not a regular file)", "-c", "-r", "folder");
        new Command("mkfifo", files.path("fifo")).run().succeeded();
        refused("fifo" + notRegular + "/fifo is not a regular file)", "-c", "fifo");
        refused(
                "vnd0: VNDIOCSET: Operation not supported (" + files.device() + " is not a regular file)",
                "-c",
                "vnd0",
                files.device());
        refused("/dev/null: VNDIOCSET: Operation not supported (/dev/null is not a regular file)", "-c", "/dev/null");
        Files.createFile(files.path("empty.img"));
        refused(files.path("empty.img") + ": is empty: give it a size first, with truncate -s", "-c", "empty.img");
        refused(": No such file or directory", "-c", "");
        Marks.assertNone(image);
    }

    @Test
    void whatIsInUse() throws Exception {
        Path image = image("used.img", MEBIBYTE);
        try (Command.Running reader = new Command("tail", "-f", image).start()) {
            while (!Files.exists(Path.of("/proc/" + reader.pid() + "/fd/3"))) {
                Caller.pause();
            }
            refused(image + ": in use: pid " + reader.pid() + " (tail) has it open for reading", "-c", image);
        }
        try (LoopDevice loop = LoopDevice.attach(image, false)) {
            String refusal = root.refusal("-c", image);
            assertTrue(
                    refusal.startsWith(
                            "vndconfig: " + image + ": in use: " + loop.path() + " is attached to it (losetup"),
                    refusal);
            root.assertNothingLeft();
        }
        root.says("-c", "vnd0", image);
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @Test
    void whatCannotBeAskedFor() throws Exception {
        Path image = Files.write(files.path("odd.img"), new byte[MEBIBYTE + 512]);
        assertEquals(
                "vndconfig: " + image + ": not possible with --engine physical: its size, 1049088 bytes, is no multiple"
                        + " of the block of 4096 bytes",
                root.refusal("-c", "--engine", "physical", image));
        refused("--engine: auto, physical or file, not magic", "-c", "--engine", "magic", image);
        refused(
                "there is no export floppy, only auto, loop, dm, ublk, nbd-kernel, fuse+loop, fuse, nbd",
                "-c",
                "--export",
                "floppy",
                image);
        refused(image + ": compressed images (-z) are not supported; uncompress it first", "-c", "-z", image);
        refused("vnd0: VNDIOCCLR: Device not configured", "-u", "vnd0");
        refused("disk0: opendisk: No such file or directory", "-u", "disk0");
        Marks.assertNone(image);
    }
}
