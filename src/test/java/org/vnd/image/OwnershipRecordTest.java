package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.proc.SmallFile;
import org.vnd.sys.FileCalls;

class OwnershipRecordTest {
    @Test
    void isReadAsItWasWritten() {
        OwnershipRecord record = OwnershipRecord.ofThisProcess("vnd12", "8:1:13", 0x80080000);
        assertEquals(record, OwnershipRecord.parse(record.toString()));
        assertTrue(record.ownerRuns("8:1:13"));
        assertEquals("vnd12 (pid " + ProcessHandle.current().pid() + ")", record.owner());
    }

    @Test
    void anEarlierBootAnEarlierProcessAndNoProcessAreGone() {
        OwnershipRecord self = OwnershipRecord.ofThisProcess("vnd0", "8:1:13", 0);
        assertFalse(with(self, "other", self.pid(), self.startTicks()).ownerRuns("8:1:13"));
        assertFalse(with(self, self.bootId(), self.pid(), self.startTicks() - 1).ownerRuns("8:1:13"));
        assertFalse(with(self, self.bootId(), 1L << 40, self.startTicks()).ownerRuns("8:1:13"));
    }

    /** Process 1 of a container may never ask for the exit code of a killed disk. */
    @Test
    void aZombieIsGone() throws Exception {
        try (Command.Running parent = new Command("sh", "-c", "sleep 0.2 & echo $!; exec sleep 100").start()) {
            while (!parent.output().contains("\n")) {
                Thread.sleep(5);
            }
            long child = Long.parseLong(parent.output().trim());
            OwnershipRecord self = OwnershipRecord.ofThisProcess("vnd0", "8:1:13", 0);
            String stat = "";
            while (!stat.contains(") Z ")) {
                Thread.sleep(5);
                stat = String.valueOf(SmallFile.read("/proc/" + child + "/stat"));
            }
            long startTicks =
                    Long.parseLong(stat.substring(stat.indexOf(") Z ") + 2).split(" ")[19]);
            assertFalse(with(self, self.bootId(), child, startTicks).ownerRuns("8:1:13"));
        }
    }

    private static OwnershipRecord with(OwnershipRecord record, String bootId, long pid, long startTicks) {
        return new OwnershipRecord(bootId, record.unit(), pid, startTicks, record.file(), 0);
    }

    /** {@code cp -a}, a snapshot and a restored backup have the attribute of a file that is attached. */
    @Test
    void aCopyOfTheFileIsNotTheOwners() {
        OwnershipRecord record = OwnershipRecord.ofThisProcess("vnd0", "8:1:13", 0);
        assertFalse(record.ownerRuns("8:1:14"));
        assertTrue(record.isOfAnother("8:1:14"));
        assertTrue(record.isOfAnother("8:1:113"));
        assertFalse(record.isOfAnother("8:17:13"), "its device may have got another number");
        assertTrue(record.writerRuns());
    }

    @Test
    @Requires(
            loop = true,
            tools = {"mkfs.ext4", "cp"})
    void aCopyOfAnAttachedFileIsAttachedToo() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create()) {
            Path original = files.path("image");
            Path copy = files.path("copy");
            DirectFile.fill(original, 1 << 20, 1);
            try (Attached first = Attached.physically(original)) {
                new Command("cp", "-a", original.toString(), copy.toString())
                        .run()
                        .succeeded();
                assertTrue(Attached.hasRecord(copy));
                assertEquals(
                        copy
                                + ": nothing to recover, its attribute trusted.vnd was written for another file by vnd7 and"
                                + " copied along (setfattr -x removes it)",
                        Recovery.recover(copy.toString()));
                List<String> notes = new ArrayList<>();
                AttachListener listener = new AttachListener() {
                    @Override
                    public void step(LockStep step) {}

                    @Override
                    public void progress(long done, long total, String what) {}

                    @Override
                    public void note(String text) {
                        notes.add(text);
                    }
                };
                try (Attached second =
                        Attached.attach(Attached.request(copy, AttachRequest.Engine.PHYSICAL), listener)) {
                    assertNotEquals(first.image.fd(), second.image.fd());
                }
                assertEquals(List.of(), notes);
                assertFalse(Attached.hasRecord(copy));
                assertTrue(Attached.hasRecord(original));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "2 boot=a unit=vnd0 pid=1 start=2 file=8:1:2 flags=0",
                "1 boot=a unit=vnd0 pid=1 start=2 file=8:1:2",
                "1 boot=a unit=vnd0 pid=1 start=2 flags=0",
                "1 boot=a unit=vnd0 pid=1 start=2 file=8:1:2 flags=0 more",
                "1 boot= unit=vnd0 pid=1 start=2 file=8:1:2 flags=0",
                "1 boot=a unit=vnd0 pid=x start=2 file=8:1:2 flags=0",
                "1 boot=a unit=vnd0 pid=1 start=2 file=8:1:2 flags=100000000",
                "1 unit=vnd0 boot=a pid=1 start=2 file=8:1:2 flags=0",
            })
    void anythingElseIsNoRecord(String text) {
        assertNull(OwnershipRecord.parse(text));
    }

    /** Somebody else's attribute isn't thrown away. */
    @Test
    @Requires(loop = true, tools = "mkfs.ext4")
    void aStrangeRecordIsRefused() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            int fd = FileCalls.open(path.toString(), FileCalls.O_RDONLY);
            FileCalls.fsetxattr(fd, OwnershipRecord.ATTRIBUTE, "9 new".getBytes(StandardCharsets.UTF_8));
            FileCalls.close(fd);
            String expected = path + ": its attribute trusted.vnd is none that this vnd wrote: see it with getfattr -n"
                    + " trusted.vnd; if no disk has the file, chattr -i and setfattr -x trusted.vnd on it unlock it";
            assertEquals(
                    expected,
                    assertThrows(ImageException.class, () -> Attached.physically(path))
                            .getMessage());
            assertEquals(
                    expected,
                    assertThrows(ImageException.class, () -> Recovery.recover(path.toString()))
                            .getMessage());
            assertTrue(Attached.hasRecord(path));
        }
    }
}
