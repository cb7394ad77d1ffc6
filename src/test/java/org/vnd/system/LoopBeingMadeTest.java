package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.NativeProgram;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/**
 * The loop device is set up, and somebody has opened it, when the program that makes it, or the daemon, is killed: neither has
 * said to anybody which device that is. It must not write to the image's blocks when the image is let go.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "losetup", "unshare", "lsattr", "blockdev", "cc"})
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopBeingMadeTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int SIZE_BYTES = 8 << 20;
    private static final int BLOCK = 4096;

    @TempDir
    Path programs;

    private ScratchFileSystem files;
    private Product product;
    private Path image;
    private Command.Running attach;
    private ProcessHandle program;
    private Path device;
    private FileChannel user;

    /** Until the program that has set it up is stopped, and the device is open here. */
    @BeforeEach
    void begin() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
        product = new Product();
        image = files.path("image");
        DirectFile.fill(image, SIZE_BYTES, 1);
        Command.output("sync", image);
        product.behind(stopping());
        // Of a size that isn't the device's, which has whole sectors.
        Object[] sizes = {"--sector-size", BLOCK, "--sizelimit", SIZE_BYTES - BLOCK / 2};
        attach = product.command("-c", "--export", "loop")
                .with(sizes)
                .with("vnd0", image)
                .start();
        product.behind(List.of());
        program = await(() -> ProcessHandle.allProcesses()
                .filter(process -> process.info().command().equals(Optional.of(programs + "/vnd-loop")))
                .filter(process -> stateOf(process).equals("T"))
                .findFirst());
        String listed = loopsOnFiles();
        device = Path.of(listed.substring(0, listed.indexOf(':')));
        user = FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT);
    }

    @AfterEach
    void end() throws Exception {
        try (ScratchFileSystem last = files;
                Product first = product) {
            user.close();
            program.destroyForcibly();
            attach.close();
        }
    }

    /** What runs a command for which the distribution's vnd-loop is one that stops. */
    private List<String> stopping() throws IOException {
        Path original = Path.of(System.getProperty("vnd.home"), "libexec/vnd-loop");
        Path copy = Files.copy(original, programs.resolve("vnd-loop"));
        Path wrapper = programs.resolve("stopping");
        Files.writeString(
                wrapper,
                "#!/bin/sh\nexec env LD_PRELOAD=" + NativeProgram.library("stopping") + " " + copy + " \"$@\"\n");
        Command.output("chmod", "755", wrapper);
        List<String> words = new ArrayList<>(MountNamespace.with(image));
        words.addAll(List.of("sh", "-euc", "mount --bind \"$0\" \"$1\"; shift; exec \"$@\""));
        words.addAll(List.of(wrapper.toString(), original.toString()));
        return words;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatNobodyHasHeardOfFailsAndIsWaitedFor(boolean killed) throws Exception {
        if (killed) {
            program.destroyForcibly();
        }
        // Else the daemon has to see that it doesn't answer.
        await(() -> size().equals("0") ? Optional.of(true) : Optional.empty());
        assertThrows(IOException.class, this::write);
        assertFalse(program.isAlive(), "nobody else closes what it has open");
        String waits = device + " can't be used (";
        await(() -> attach.errors().contains(waits) ? Optional.of(true) : Optional.empty());
        assertTrue(attach.alive(), "it says that there is none while there is");
        assertTrue(ListedFlags.isImmutable(image), "it is let go while somebody has the device open");

        user.close();
        Command.Result result = attach.await(LIMIT_SECONDS).exited(1);
        assertTrue(result.errors().contains(killed ? "has ended (vnd-loop)" : "hasn't answered"), result::toString);
        assertEquals("", loopsOnFiles());
        assertFalse(ListedFlags.isImmutable(image));
        assertEquals(DirectFile.checksumOfFilled(SIZE_BYTES, 1), DirectFile.checksum(image));
        assertTrue(product.disks().isEmpty());
    }

    /** Then it is the program that goes on, and fails what nobody knows of. */
    @Test
    void failsWithTheDaemonThatHadntToldAnybody() throws Exception {
        ProcessHandle daemon = program.parent().orElseThrow();
        daemon.destroyForcibly();
        daemon.onExit().join();
        Command.output("kill", "-CONT", program.pid());
        await(() -> size().equals("0") ? Optional.of(true) : Optional.empty());
        assertThrows(IOException.class, this::write);
        user.close();
        attach.await(LIMIT_SECONDS).exited(1);
        await(() -> loopsOnFiles().isEmpty() ? Optional.of(true) : Optional.empty());
        product.run("--recover", image).succeeded();
        assertFalse(ListedFlags.isImmutable(image));
        assertEquals(DirectFile.checksumOfFilled(SIZE_BYTES, 1), DirectFile.checksum(image));
    }

    private int write() throws IOException {
        return user.write(
                ByteBuffer.allocateDirect(2 * BLOCK).alignedSlice(BLOCK).limit(BLOCK), 0);
    }

    private String size() {
        return Command.output("blockdev", "--getsize64", device).strip();
    }

    private String loopsOnFiles() {
        return Command.output("losetup", "--associated", files.device()).strip();
    }

    /** As in proc(5). */
    private static String stateOf(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
            return stat.substring(stat.lastIndexOf(')') + 2).substring(0, 1);
        } catch (IOException gone) {
            return "";
        }
    }

    private static <T> T await(Callable<Optional<T>> condition) throws Exception {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        Optional<T> seen = condition.call();
        while (seen.isEmpty()) {
            assertTrue(System.nanoTime() - endNanos < 0, "it doesn't come");
            Thread.sleep(20);
            seen = condition.call();
        }
        return seen.get();
    }
}
