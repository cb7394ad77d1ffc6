package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.NativeProgram;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** Whatever other processes of the machine are up to, a file that is in use is refused at once, and by whom it is used is said. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "losetup", "kill", "cc"})
class StrangersTest {
    private static final int SIZE = 1 << 20;

    /** What the old look took for ever; the machine may be slow. */
    private static final int LIMIT_SECONDS = 60;

    private ScratchFileSystem files;
    private Product product;
    private Path image;

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create();
        product = new Product();
        image = files.path("image" + "x".repeat(200));
        DirectFile.fill(image, SIZE, 1);
    }

    @AfterEach
    void close() {
        product.close();
        files.close();
    }

    private static Command.Running holder(Object... paths) throws Exception {
        Command.Running shell = new Command(
                        "sh", "-c", "exec 3<\"$1\" 4<\"${2:-$1}\"; echo held; exec sleep 1000", "sh")
                .with(paths)
                .start();
        while (!shell.output().contains("held")) {
            assertTrue(shell.alive(), shell::errors);
            Thread.sleep(5);
        }
        return shell;
    }

    private String refused() {
        Command.Result result =
                product.command("-c", image).limitSeconds(LIMIT_SECONDS).run().exited(1);
        assertEquals(1, result.errors().lines().count(), result::toString);
        return result.errors().strip();
    }

    /** It answers nobody who asks about its files: stat(2) of one never returns. */
    @Test
    void aFuseServerIsDead() throws Exception {
        Path served = files.path("served");
        DirectFile.fill(served, SIZE, 1);
        AttachedDisk disk = product.attach(served, "--export", "fuse");
        Path file = product.state().resolve(disk.unit()).resolve(disk.unit() + ".fuse/disk");
        assertTrue(Files.exists(file), file.toString());
        String daemon = Long.toString(disk.pid());
        try (LoopDevice loop = LoopDevice.attach(file, true);
                Command.Running user = holder(file, file.getParent());
                Command.Running reader = holder(image)) {
            assertTrue(Files.exists(loop.path()) && user.alive());
            Command.output("kill", "-STOP", daemon);
            try {
                assertEquals(
                        "vndconfig: " + image + ": in use: pid " + reader.pid() + " (sleep) has it open for reading",
                        refused());
            } finally {
                Command.output("kill", "-CONT", daemon);
            }
        }
    }

    private static Command.Running mapper(Path mapped) throws Exception {
        Command.Running mapper = new Command(NativeProgram.build("mappings"), mapped, 65_000).start();
        while (!mapper.output().contains("mapped")) {
            assertTrue(mapper.alive(), mapper::errors);
            Thread.sleep(5);
        }
        return mapper;
    }

    /** What /proc says of them, 18 MB, is more than a disk has room for. */
    @Test
    void aProcessHasTheMostMappingsThatOneCanHave() throws Exception {
        Path other = files.path("another" + "x".repeat(200));
        DirectFile.fill(other, SIZE, 1);
        try (Command.Running reader = holder(image);
                Command.Running stranger = mapper(other)) {
            assertTrue(stranger.alive());
            String begin = "vndconfig: " + image + ": in use: pid " + reader.pid() + " (sleep) has it open for reading";
            String refusal = refused();
            assertTrue(refusal.startsWith(begin), refusal);
        }
        try (Command.Running mapper = mapper(image)) {
            String begin = "vndconfig: " + image + ": in use: pid " + mapper.pid() + " (mappings) has it mapped";
            String refusal = refused();
            assertTrue(refusal.startsWith(begin), refusal);
        }
    }
}
