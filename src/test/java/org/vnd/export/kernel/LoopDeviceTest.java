package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.Removal;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.node.DeviceNames;
import org.vnd.sys.FileCalls;

/** A device whose small program is stopped, or killed: nobody waits for that without limit. A hang is what the limit is for. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "blockdev", "kill"})
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopDeviceTest {
    private static final int SIZE_BYTES = 4 << 20;

    @TempDir
    Path unit;

    private ScratchFileSystem files;
    private LoopDevice device;
    private ProcessHandle program;

    @BeforeEach
    void attach() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
        Path image = Files.write(files.path("image"), new byte[SIZE_BYTES]);
        Command.output("sync", image);
        device = LoopDevice.attach(
                Path.of(System.getProperty("vnd.home"), "libexec"),
                "loop",
                new LoopDevice.Backing(image.toString(), 0, SIZE_BYTES, 512, false, "a test", null),
                new DeviceNames(unit),
                new Removal((node, cause, reason) -> {}));
        program = ProcessHandle.current()
                .children()
                .filter(child -> child.info().command().orElse("").endsWith("vnd-loop"))
                .reduce((first, last) -> last)
                .orElseThrow();
    }

    /** Without its program, and its users, the kernel takes the device away. */
    @AfterEach
    void end() throws Exception {
        program.destroyForcibly();
        program.onExit().get();
        Path backing =
                Path.of("/sys/block", Path.of(device.node()).getFileName().toString(), "loop/backing_file");
        while (Files.exists(backing)
                && Files.readString(backing).startsWith(files.path("").toString())) {
            Thread.sleep(50);
        }
        files.close();
    }

    @Test
    void failsThoughItsProgramIsStopped() throws Exception {
        signal("STOP");
        device.fail();
        assertEquals("0", size());
        IOException refusal = assertThrows(IOException.class, device::remove);
        assertTrue(refusal.getMessage().contains("kill -CONT " + program.pid()), refusal::toString);
        signal("CONT");
        device.remove();
        device.remove();
        program.onExit().get(10, TimeUnit.SECONDS);
    }

    /** While it waits for its program to take it away, on another thread. */
    @Test
    void failsThoughItsRemovalWaits() throws Exception {
        signal("STOP");
        AtomicReference<IOException> refusal = new AtomicReference<>();
        Thread removing = new Thread(() -> {
            try {
                device.remove();
            } catch (IOException e) {
                refusal.set(e);
            }
        });
        removing.start();
        while (removing.getState() == Thread.State.RUNNABLE || removing.getState() == Thread.State.NEW) {
            Thread.onSpinWait();
        }
        device.fail();
        assertEquals("0", size());
        signal("CONT");
        removing.join();
        assertNull(refusal.get());
        program.onExit().get(10, TimeUnit.SECONDS);
    }

    /** "busy" comes when something else was asked long since. */
    @Test
    void aLateAnswerIsTakenForNoOther() throws Exception {
        int user = FileCalls.open(device.node(), FileCalls.O_RDONLY);
        try {
            signal("STOP");
            assertThrows(IOException.class, device::remove);
            signal("CONT");
            device.fail();
            assertEquals("0", size());
            assertThrows(DeviceBusyException.class, device::remove);
        } finally {
            FileCalls.close(user);
        }
        device.remove();
    }

    @Test
    void failsThoughItsProgramWasKilled() throws Exception {
        int user = FileCalls.open(device.node(), FileCalls.O_RDONLY);
        try {
            program.destroyForcibly();
            program.onExit().get();
            device.fail();
            assertEquals("0", size());
        } finally {
            FileCalls.close(user);
        }
    }

    private void signal(String name) {
        Command.output("kill", "-" + name, program.pid());
    }

    private String size() {
        return Command.output("blockdev", "--getsize64", device.node());
    }
}
