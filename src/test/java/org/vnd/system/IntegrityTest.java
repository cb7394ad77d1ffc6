package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** No wrong byte, by any client, on an image in ten thousand pieces; and none in the files between the pieces. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "xfs_repair", "nbdcopy", "qemu-img", "qemu-io", "fio"})
@ExtendWith(Seeded.class)
@ParameterizedClass
@EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
@Beside
class IntegrityTest {
    private static final long SIZE = 160 << 20;
    private static final int EXTENTS = 10_000;

    private final FileSystemKind kind;
    private ScratchFileSystem files;
    private Fragmenter fragments;
    private Path image;
    private Product product;

    IntegrityTest(FileSystemKind kind) {
        this.kind = kind;
    }

    @BeforeEach
    void makeImage(SeededRandom random) throws Exception {
        product = new Product();
        files = ScratchFileSystem.of(kind).sizeMebibytes(448).create();
        fragments = Fragmenter.make(files.path("image"), SIZE, EXTENTS, random);
        image = fragments.image();
    }

    @AfterEach
    void close() {
        product.close();
        if (files != null) {
            files.close();
        }
    }

    private AttachedDisk attach() {
        AttachedDisk disk = product.attach(image);
        assertEquals("physical", disk.engine(), disk.engineReason());
        assertEquals(SIZE, disk.size());
        assertTrue(disk.extents() >= EXTENTS, disk.extents() + " extents");
        return disk;
    }

    /** What must hold after each detach. */
    private void checkFileSystem() throws Exception {
        fragments.checkNeighbours();
        files.check();
        fragments.checkNeighbours();
    }

    @Test
    void randomRequestsAreInTheFileAfterDetachAndAfterMount(SeededRandom random) throws Exception {
        byte[] content = DirectFile.read(image);
        AttachedDisk disk = attach();
        try (DriverOverNbd driver = new DriverOverNbd(disk, content, random)) {
            driver.run(Long.getLong("vnd.requests", 3_000));
            driver.disconnect();
            disk.detach();
            driver.check(image);
            files.cycle();
            driver.check(image);
        }
        assertEquals(DirectFile.checksum(image), DirectFile.bufferedChecksum(image));
        checkFileSystem();
    }

    @Test
    void flushedRequestsSurviveACrashOfTheFileSystem(SeededRandom random) throws Exception {
        byte[] content = DirectFile.read(image);
        AttachedDisk disk = attach();
        try (DriverOverNbd driver = new DriverOverNbd(disk, content, random)) {
            driver.run(2_000);
            driver.flush();
            files.shutDown();
            driver.disconnect();
            // The file system under it is dead: nothing can be unlocked any more, only let go of.
            product.run("-u", "-F", disk.unit());
            disk.killDaemon();
            files.cycleSoon();
            product.run("--recover", image).succeeded();
            driver.check(image);
        }
        checkFileSystem();
    }

    @Test
    void copiesInAndOutWithNbdcopy(SeededRandom random) throws Exception {
        Path source = files.path("../source");
        Path back = files.path("../back");
        try {
            DirectFile.fill(source, SIZE, random.nextLong());
            try (AttachedDisk disk = attach()) {
                new Command("nbdcopy", "--flush", source, disk.uri())
                        .limitSeconds(300)
                        .run()
                        .succeeded();
                new Command("nbdcopy", disk.uri(), back).limitSeconds(300).run().succeeded();
            }
            assertEquals(-1, Files.mismatch(source, back));
            assertEquals(-1, Files.mismatch(source, image));
            files.cycle();
            assertEquals(-1, Files.mismatch(source, image));
        } finally {
            Files.deleteIfExists(source);
            Files.deleteIfExists(back);
        }
        checkFileSystem();
    }

    @Test
    void convertsComparesAndChecksWithQemu(SeededRandom random) throws Exception {
        Path source = files.path("../source");
        try {
            DirectFile.fill(source, SIZE - (24 << 20), random.nextLong());
            try (AttachedDisk disk = attach()) {
                String target = disk.uri();
                qemuImg("create", "-f", "qcow2", target, SIZE - (8 << 20));
                qemuImg("convert", "-n", "-f", "raw", "-O", "qcow2", source, target);
                qemuImg("check", "-f", "qcow2", target);
                qemuImg("compare", "-f", "raw", "-F", "qcow2", source, target);
                disk.detach();
            }
            qemuImg("check", "-f", "qcow2", image);
            qemuImg("compare", "-f", "raw", "-F", "qcow2", source, image);
        } finally {
            Files.deleteIfExists(source);
        }
        checkFileSystem();
    }

    private static void qemuImg(Object... words) {
        new Command("qemu-img").with(words).limitSeconds(300).run().succeeded();
    }

    @Test
    void verifiesWithQemuIo() throws Exception {
        byte[] before = DirectFile.read(image);
        try (AttachedDisk disk = attach()) {
            Command.Result result = disk.qemuIo(
                    "write -P 0x11 1000 70001",
                    "write -P 0x22 -f 4096 4096",
                    "write -z 40000 5000",
                    "discard 1M 1M",
                    "write -P 0x33 1M 64k",
                    "flush",
                    "read -P 0x11 1000 3096",
                    "read -P 0x22 4096 4096",
                    "read -P 0x11 8192 31808",
                    "read -P 0 40000 5000",
                    "read -P 0x11 45000 26001",
                    "read -P 0x33 1M 64k");
            result.succeeded();
            assertTrue(!result.output().contains("failed"), result::toString);
        }
        byte[] after = DirectFile.read(image);
        Arrays.fill(before, 1000, 71001, (byte) 0x11);
        Arrays.fill(before, 4096, 8192, (byte) 0x22);
        Arrays.fill(before, 40000, 45000, (byte) 0);
        Arrays.fill(before, 1 << 20, (1 << 20) + (64 << 10), (byte) 0x33);
        System.arraycopy(after, (1 << 20) + (64 << 10), before, (1 << 20) + (64 << 10), (1 << 20) - (64 << 10));
        assertArrayEquals(before, after);
        checkFileSystem();
    }

    @Test
    void verifiesWithFio() throws Exception {
        try (AttachedDisk disk = attach()) {
            Fio.verify(disk, Integer.getInteger("vnd.fio.seconds", 3));
        }
        checkFileSystem();
    }
}
