package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.nbd.ServerLab.RingKind;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** What others' clients make of the server: libnbd's tools, QEMU's, fio. */
@ExtendWith(Seeded.class)
class RealClientsTest {
    private static final int DISK_BYTES = 64 << 20;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    @Requires(tools = "nbdinfo")
    void nbdinfoShowsTheExport(RingKind kind) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES)) {
            String info = Command.output("nbdinfo", lab.uri());
            for (String line : List.of(
                    "protocol: newstyle-fixed without TLS, using structured packets",
                    "description: a disk in memory",
                    "export-size: " + DISK_BYTES + " (64M)",
                    "base:allocation",
                    "is_rotational: false",
                    "is_read_only: false",
                    "can_cache: true",
                    "can_df: true",
                    "can_fast_zero: true",
                    "can_flush: true",
                    "can_fua: true",
                    "can_multi_conn: true",
                    "can_trim: true",
                    "can_zero: true",
                    "block_size_minimum: 1",
                    "block_size_preferred: 4096",
                    "block_size_maximum: " + (32 << 20))) {
                assertTrue(info.contains(line), () -> "no «" + line + "» in\n" + info);
            }
            assertTrue(Command.output("nbdinfo", "--list", lab.uri()).contains("export=\"vnd0\""));
            assertEquals(
                    "" + DISK_BYTES, Command.output("nbdinfo", "--size", "nbd+unix:///vnd0?socket=" + lab.socket()));
            new Command("nbdinfo", "nbd+unix:///other?socket=" + lab.socket())
                    .run()
                    .exited(1);
            new Command("nbdinfo", "--is", "read-only", lab.uri()).run().exited(2);
            assertEquals(List.of(), lab.log());
        }
    }

    @Test
    @Requires(tools = "nbdinfo")
    void nbdinfoShowsTheMap() throws Exception {
        try (ServerLab lab =
                new ServerLab(RingKind.URING, DISK_BYTES, device -> device.put(1 << 20, new byte[3 << 20]), o -> {})) {
            String map = Command.output("nbdinfo", "--map", lab.uri()).replaceAll(" +", " ");
            List<String> lines = map.lines().map(String::trim).toList();
            assertEquals(
                    List.of(
                            "0 1048576 3 hole,zero",
                            "1048576 3145728 0 data",
                            "4194304 " + (DISK_BYTES - (4 << 20)) + " 3 hole,zero"),
                    lines);
        }
    }

    private Path randomImage(SeededRandom random) throws Exception {
        byte[] image = new byte[DISK_BYTES];
        random.fill(image);
        // Something to be found sparse.
        Arrays.fill(image, 5_000_000, 25_000_000, (byte) 0);
        return Files.write(folder.resolve("image"), image);
    }

    @ParameterizedTest
    @EnumSource
    @Requires(tools = "nbdcopy")
    void nbdcopyCopiesInAndOut(RingKind kind, SeededRandom random) throws Exception {
        Path image = randomImage(random);
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES)) {
            Command.output("nbdcopy", "--flush", image, lab.uri());
            assertArrayEquals(Files.readAllBytes(image), lab.on(lab.device()::durable));
            Path copy = folder.resolve("copy");
            Command.output("nbdcopy", "--request-size=1048576", "--connections=8", lab.uri(), copy);
            assertEquals(-1, Files.mismatch(image, copy));
            Files.delete(copy);
            Command.output("nbdcopy", "--requests=512", "--request-size=32768", lab.uri(), copy);
            assertEquals(-1, Files.mismatch(image, copy));
            Files.delete(copy);
            Command.output("nbdcopy", "--synchronous", "--request-size=33554432", lab.uri(), copy);
            assertEquals(-1, Files.mismatch(image, copy));
            assertEquals(List.of(), lab.log());
        }
    }

    @ParameterizedTest
    @EnumSource
    @Requires(tools = "qemu-img")
    void qemuImgConvertsComparesAndChecks(RingKind kind, SeededRandom random) throws Exception {
        Path image = randomImage(random);
        String uri = "nbd+unix:///vnd0?socket=";
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES)) {
            uri += lab.socket();
            assertTrue(Command.output("qemu-img", "info", uri).contains("virtual size: 64 MiB"));
            Command.output("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", "-W", "-m", 16, image, uri);
            assertArrayEquals(Files.readAllBytes(image), lab.on(lab.device()::content));
            Command.output("qemu-img", "compare", "-f", "raw", "-F", "raw", image, uri);
            Path back = folder.resolve("back.qcow2");
            Command.output("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri, back);
            Command.output("qemu-img", "compare", "-f", "qcow2", "-F", "raw", back, uri);
            String map = Command.output("qemu-img", "map", "--output=json", "-f", "raw", uri);
            assertTrue(map.contains("\"zero\": true"), map);

            // An image of another format on the disk.
            Command.output("qemu-img", "create", "-f", "qcow2", uri, "32M");
            Command.output("qemu-img", "check", "-f", "qcow2", uri);
            assertEquals(List.of(), lab.log());
        }
    }

    @ParameterizedTest
    @EnumSource
    @Requires(tools = "qemu-io")
    void qemuIoDoesEveryCommand(RingKind kind) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES)) {
            String output = Command.output(
                    "qemu-io",
                    "-f",
                    "raw",
                    "-d",
                    "unmap",
                    "-c",
                    "write -P 0x11 0 1M",
                    "-c",
                    "write -P 0x22 -f 4097 1234",
                    "-c",
                    "read -P 0x11 0 4097",
                    "-c",
                    "read -P 0x22 4097 1234",
                    "-c",
                    "read -P 0x11 5331 100000",
                    "-c",
                    "write -z 65536 65536",
                    "-c",
                    "write -z -u 131072 65536",
                    "-c",
                    "read -P 0 65536 131072",
                    "-c",
                    "discard 524288 65536",
                    "-c",
                    "flush",
                    "-c",
                    "aio_write -P 0x33 2M 8M",
                    "-c",
                    "aio_write -P 0x44 16M 30M",
                    "-c",
                    "aio_flush",
                    "-c",
                    "read -P 0x33 2M 8M",
                    "-c",
                    "read -P 0x44 16M 30M",
                    "-c",
                    "writev -P 0x55 48M 512 1024 4096 65536",
                    "-c",
                    "readv -P 0x55 48M 71168",
                    "nbd+unix:///?socket=" + lab.socket());
            assertTrue(!output.contains("failed") && !output.contains("rror"), output);
            assertTrue(lab.on(lab.device()::flushCount) > 0);
            assertEquals(List.of(), lab.log());
        }
    }

    @Test
    @Requires(tools = "qemu-io")
    void qemuIoIsToldOfErrors() throws Exception {
        try (ServerLab lab = new ServerLab(
                RingKind.URING,
                DISK_BYTES,
                device -> device.decide(request ->
                        request.offsetBytes >= 1 << 20 ? org.vnd.block.Status.IO_ERROR : org.vnd.block.Status.OK),
                options -> {})) {
            Command.Result result = new Command(
                            "qemu-io",
                            "-f",
                            "raw",
                            "-c",
                            "read 0 4096",
                            "-c",
                            "read 1M 4096",
                            "-c",
                            "write 1M 4096",
                            "-c",
                            "read 0 4096",
                            "nbd+unix:///?socket=" + lab.socket())
                    .run();
            assertEquals(2, result.output().split("Input/output error", -1).length - 1, result::toString);
            assertEquals(2, result.output().split("read 4096/4096", -1).length - 1, result::toString);
        }
    }

    @ParameterizedTest
    @EnumSource
    @Requires(tools = "fio")
    void fioFindsNoWrongByte(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES)) {
            lab.on(() -> {
                lab.delay(new SeededRandom(random.nextLong()), 100_000);
                return null;
            });
            // In a folder of its own, because it leaves a file with the state of the verification.
            String output = new Command(
                            "fio",
                            "--name=verify",
                            "--ioengine=nbd",
                            "--uri=" + lab.uri(),
                            "--rw=randrw",
                            "--bsrange=512-200k",
                            "--bs_unaligned",
                            "--iodepth=32",
                            "--size=32M",
                            "--io_size=128M",
                            "--verify=crc32c",
                            "--verify_backlog=64",
                            "--serialize_overlap=1",
                            "--randseed=" + (random.nextLong() >>> 1))
                    .directory(folder)
                    .run()
                    .succeeded()
                    .output();
            assertTrue(output.contains("err= 0"), output);
            assertEquals(List.of(), lab.log());
        }
    }
}
