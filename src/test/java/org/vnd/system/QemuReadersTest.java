package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** A disk of the file engine that only reads, and QEMU's programs: either puts up with readers, and with no writer. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "qemu-io", "qemu-img", "qemu-nbd", "qemu-system-x86_64"})
class QemuReadersTest {
    private static final int SIZE = 8 << 20;

    private ScratchFileSystem files;
    private Product product;
    private Path image;
    private Path socket;

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
        product = new Product();
        image = files.path("image");
        socket = files.path("qemu.sock");
        DirectFile.fill(image, SIZE, 1);
    }

    @AfterEach
    void close() {
        product.close();
        files.close();
    }

    private AttachedDisk attach() {
        AttachedDisk disk = product.attach(image, "--engine", "file", "-r");
        assertTrue(disk.readOnly() && disk.engine().equals("file"), disk::toString);
        return disk;
    }

    private static void assertReads(AttachedDisk disk) {
        Command.output("qemu-io", "-r", "-f", "raw", "-c", "read 0 64k", disk.uri());
    }

    /** And goes on; the image is what it was. */
    @Test
    void theDiskLetsReadersInAndWritersNot() throws Exception {
        Path other = files.path("other");
        DirectFile.fill(other, SIZE, 2);
        AttachedDisk disk = attach();
        Qemu.assertKeptOut("write", "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", other, image);
        Qemu.assertKeptOut("write", "qemu-img", "resize", "-f", "raw", image, "16M");
        Qemu.assertKeptOut("write", "qemu-io", "-f", "raw", "-c", "write 0 4k", image);
        Qemu.assertKeptOut("write", Qemu.server(socket, image));
        Qemu.assertKeptOut("write", Qemu.guest(image));
        try (Command.Running server = Qemu.start(image, Qemu.server(socket, image, "-r"));
                Command.Running guest = Qemu.start(image, Qemu.guest(image, "readonly=on"))) {
            Command.output("qemu-img", "convert", "-f", "raw", "-O", "raw", image, files.path("copy"));
            assertReads(disk);
            assertTrue(server.alive() && guest.alive());
        }
        disk.detach();
        assertEquals(DirectFile.checksumOfFilled(SIZE, 1), DirectFile.checksum(image));
    }

    @Test
    void theDiskIsLetInByReaders() throws Exception {
        try (Command.Running server = Qemu.start(image, Qemu.server(socket, image, "-r"));
                Command.Running guest = Qemu.start(image, Qemu.guest(image, "readonly=on"))) {
            AttachedDisk disk = attach();
            assertReads(disk);
            assertTrue(server.alive() && guest.alive());
            disk.detach();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qemu-nbd", "qemu-system-x86"})
    void theDiskIsKeptOutByWriters(String program) throws Exception {
        Object[] writer = program.equals("qemu-nbd") ? Qemu.server(socket, image) : Qemu.guest(image);
        try (Command.Running running = Qemu.start(image, writer)) {
            assertEquals(
                    "vndconfig: " + image + ": in use: pid " + running.pid() + " (" + program
                            + ") has it open for writing",
                    product.refusal("-c", "--engine", "file", "-r", image));
        }
        attach().detach();
    }
}
