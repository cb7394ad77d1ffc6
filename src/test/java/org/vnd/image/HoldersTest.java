package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Unmapper;
import org.vnd.proc.SmallFile;
import org.vnd.ring.UringRing;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/** Who has an image open is why it is refused, and is named. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr"})
class HoldersTest {
    private ScratchFileSystem files;
    private Path path;

    @BeforeEach
    void create() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create();
        path = files.path("image");
        DirectFile.fill(path, 1 << 20, 1);
    }

    @AfterEach
    void close() throws Exception {
        Attached.physically(path).close();
        files.close();
    }

    private void refused(String reason) throws Exception {
        String flags = Attached.flags(path);
        for (Engine engine : Engine.values()) {
            ImageException refused = assertThrows(ImageException.class, () -> Attached.attach(path, engine));
            assertEquals(path + ": " + reason, refused.getMessage(), engine.name());
        }
        assertEquals(flags, Attached.flags(path));
    }

    /** A shell that holds it by {@code redirection}. */
    private Command.Running holder(String redirection) throws Exception {
        Command.Running shell = new Command(
                        "sh", "-c", "exec 3" + redirection + "\"$1\"; echo held; exec sleep 100", "sh", path)
                .start();
        while (!shell.output().contains("held") || !comm(shell.pid()).equals("sleep")) {
            Thread.sleep(5);
        }
        return shell;
    }

    private static String comm(long pid) {
        return String.valueOf(SmallFile.read("/proc/" + pid + "/comm")).trim();
    }

    @Test
    void aReader() throws Exception {
        try (Command.Running holder = holder("<")) {
            refused("in use: pid " + holder.pid() + " (sleep) has it open for reading");
        }
    }

    @Test
    void aWriter() throws Exception {
        try (Command.Running holder = holder("<>")) {
            refused("in use: pid " + holder.pid() + " (sleep) has it open for writing");
        }
    }

    @Test
    void severalAreNamedUpToThree() throws Exception {
        try (Command.Running first = holder("<");
                Command.Running second = holder("<");
                Command.Running third = holder("<");
                Command.Running fourth = holder("<")) {
            ImageException refused = assertThrows(ImageException.class, () -> Attached.physically(path));
            assertTrue(refused.getMessage().endsWith(", and 1 more"), refused.getMessage());
            assertTrue(first.alive() && second.alive() && third.alive() && fourth.alive());
        }
    }

    @Test
    void aMappingWithoutDescriptor() throws Exception {
        MappedByteBuffer mapping;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
        }
        long pid = ProcessHandle.current().pid();
        refused("in use: pid " + pid + " (" + comm(pid) + ") has it mapped");
        Unmapper.unmap(mapping);
    }

    @Test
    void aLoopDevice() throws Exception {
        try (LoopDevice loop = LoopDevice.attach(path, false)) {
            refused("in use: " + loop.path() + " is attached to it (losetup -d detaches)");
        }
    }

    @Test
    void swapSpace() throws Exception {
        Command.output("chmod", "600", path);
        Command.output("mkswap", path);
        Command.output("swapon", path);
        try {
            refused("in use: it is swap space (swapoff ends that)");
        } finally {
            Command.output("swapoff", path);
        }
    }

    @Test
    void anotherDisk() throws Exception {
        try (OtherProcess other = OtherProcess.attaching(path, Engine.PHYSICAL)) {
            other.awaitLine("attached");
            refused("already attached as vnd7 (pid " + other.pid() + ")");
            assertThrows(ImageException.class, () -> Recovery.recover(path.toString()));
            other.finish();
        }
    }

    @Test
    void anotherDiskByFile() throws Exception {
        try (OtherProcess other = OtherProcess.attaching(path, Engine.FILE)) {
            other.awaitLine("attached");
            refused("already attached, or locked with flock: pid " + other.pid() + " (java) has it open for writing");
            other.finish();
        }
    }

    /** After the end of a killed process the kernel takes its ring apart, in its own time. */
    @Test
    void whatAnEndedRingStillHasIsWaitedFor() throws Exception {
        for (Engine engine : Engine.values()) {
            UringRing ring = ringThatHasTheFile();
            Thread end = new Thread(() -> {
                LockSupport.parkNanos(300_000_000);
                ring.close();
            });
            end.start();
            Attached.attach(path, engine).close();
            end.join();
        }
        try (UringRing ring = ringThatHasTheFile()) {
            refused(
                    "already attached, or locked with flock: something that /proc doesn't show has it open (a kernel service,"
                            + " another container, or a descriptor on its way through a socket)");
        }
    }

    private UringRing ringThatHasTheFile() throws Exception {
        UringRing ring = newRing();
        int fd = FileCalls.open(path.toString(), FileCalls.O_RDONLY);
        assertEquals(0, FileCalls.flock(fd, FileCalls.LOCK_EXCLUSIVE));
        ring.registerFiles(fd);
        FileCalls.close(fd);
        return ring;
    }

    private static UringRing newRing() {
        try {
            return new UringRing(8);
        } catch (SysException e) {
            return abort("no io_uring here: " + e.getMessage());
        }
    }

    @Test
    void readersByFileDontMindEachOther() throws Exception {
        AttachRequest request = Attached.readOnly(path, Engine.FILE);
        AttachedImage first = AttachedImage.attach(request, AttachListener.NONE);
        AttachedImage second = AttachedImage.attach(request, AttachListener.NONE);
        assertThrows(ImageException.class, () -> Attached.attach(path, Engine.FILE));
        first.lock().release(AttachListener.NONE);
        second.lock().release(AttachListener.NONE);
    }
}
