package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.sys.FileCalls;

class OwnershipRecordTest {
    @Test
    void isReadAsItWasWritten() {
        OwnershipRecord record = OwnershipRecord.ofThisProcess("vnd12", 0x80080000);
        assertEquals(record, OwnershipRecord.parse(record.toString()));
        assertTrue(record.ownerRuns());
        assertEquals("vnd12 (pid " + ProcessHandle.current().pid() + ")", record.owner());
    }

    @Test
    void anEarlierBootAnEarlierProcessAndNoProcessAreGone() {
        OwnershipRecord self = OwnershipRecord.ofThisProcess("vnd0", 0);
        assertFalse(new OwnershipRecord("other", "vnd0", self.pid(), self.startTicks(), 0).ownerRuns());
        assertFalse(new OwnershipRecord(self.bootId(), "vnd0", self.pid(), self.startTicks() - 1, 0).ownerRuns());
        assertFalse(new OwnershipRecord(self.bootId(), "vnd0", 1L << 40, self.startTicks(), 0).ownerRuns());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "2 boot=a unit=vnd0 pid=1 start=2 flags=0",
                "1 boot=a unit=vnd0 pid=1 start=2",
                "1 boot=a unit=vnd0 pid=1 start=2 flags=0 more",
                "1 boot= unit=vnd0 pid=1 start=2 flags=0",
                "1 boot=a unit=vnd0 pid=x start=2 flags=0",
                "1 boot=a unit=vnd0 pid=1 start=2 flags=100000000",
                "1 unit=vnd0 boot=a pid=1 start=2 flags=0",
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
                    + " trusted.vnd";
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
