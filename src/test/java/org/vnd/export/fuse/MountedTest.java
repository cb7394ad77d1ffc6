package org.vnd.export.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.fuse.FuseLab.RingKind;
import org.vnd.lab.CacheStat;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The mounted file, as this host's kernel and tools see it. */
@Requires(
        root = true,
        files = {"/dev/fuse"})
@ExtendWith(Seeded.class)
class MountedTest {
    private static final int DISK_BYTES = 16 << 20;

    @TempDir
    private Path scratch;

    @Test
    void thereIsOneFile() throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            Path folder = lab.file().getParent();
            try (Stream<Path> entries = Files.list(folder)) {
                assertEquals(List.of(lab.file()), entries.toList());
            }
            assertEquals(
                    "regular file 600 0 0 16777216 1", Command.output("stat", "-c", "%F %a %u %g %s %h", lab.file()));
            assertEquals("directory 555", Command.output("stat", "-c", "%F %a", folder));
            assertEquals("4096 4096 0", Command.output("stat", "-f", "-c", "%s %b %f", folder));
            assertTrue(Command.output("grep", folder, "/proc/mounts").startsWith("vnd0 "));
            assertFalse(Files.exists(folder.resolve("other")));
            assertThrows(IOException.class, () -> Files.createFile(folder.resolve("other")));
            assertThrows(IOException.class, () -> Files.delete(lab.file()));
            assertEquals(0, lab.on(() -> lab.server().openFiles()));
        }
    }

    @Test
    void itsSizeStays() throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            try (RandomAccessFile file = new RandomAccessFile(lab.file().toFile(), "rw")) {
                assertThrows(IOException.class, () -> file.setLength(4096));
                assertThrows(IOException.class, () -> file.setLength(2L * DISK_BYTES));
                file.setLength(DISK_BYTES);
                file.seek(DISK_BYTES - 10);
                assertThrows(IOException.class, () -> file.write(new byte[20]), "beyond the end");
                file.seek(DISK_BYTES - 10);
                assertEquals(10, file.read(new byte[20]));
                assertEquals(-1, file.read(new byte[20]));
                assertEquals(1, lab.on(() -> lab.server().openFiles()));
            }
            assertEquals(DISK_BYTES, Files.size(lab.file()));
            new Command("chmod", "644", lab.file()).run().exited(1);
        }
    }

    @Test
    void anyRangeIsReadAndWritten(SeededRandom random) throws Exception {
        for (RingKind kind : RingKind.values()) {
            try (FuseLab lab = new FuseLab(kind, DISK_BYTES, false, device -> {});
                    RandomAccessFile file = new RandomAccessFile(lab.file().toFile(), "rw")) {
                lab.on(() -> {
                    lab.device().delay(lab.ring(), random, 100_000);
                    return null;
                });
                byte[] shadow = new byte[DISK_BYTES];
                for (int n = 0; n < 300; n++) {
                    byte[] data = new byte[(int) random.length(3 << 20)];
                    int offset = random.below(DISK_BYTES - data.length);
                    if (random.oneIn(4)) {
                        offset &= -4096;
                    }
                    file.seek(offset);
                    if (random.oneIn(2)) {
                        random.fill(data);
                        file.write(data);
                        System.arraycopy(data, 0, shadow, offset, data.length);
                    } else {
                        file.readFully(data);
                        assertArrayEquals(Arrays.copyOfRange(shadow, offset, offset + data.length), data);
                    }
                }
                assertArrayEquals(shadow, lab.device().content());
                assertEquals(lab.quietLog(), lab.log());
            }
        }
    }

    @Test
    void toolsMoveItAndTheHostKeepsNothing(SeededRandom random) throws Exception {
        byte[] content = new byte[DISK_BYTES];
        random.fill(content);
        Path from = Files.write(scratch.resolve("from"), content);
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            Path file = lab.file();
            Command dd = new Command("dd", "if=" + from, "of=" + file, "bs=1M", "conv=notrunc,fsync", "status=none");
            dd.run().succeeded();
            assertArrayEquals(content, lab.device().content());
            assertArrayEquals(content, lab.device().durable());
            new Command("cmp", from, file).run().succeeded();
            assertEquals(0, CacheStat.cachedPages(file));
            new Command("dd", "if=" + file, "of=" + scratch.resolve("to"), "bs=64k", "iflag=direct", "status=none")
                    .run()
                    .succeeded();
            assertEquals(-1, Files.mismatch(from, scratch.resolve("to")));
            assertEquals(0, CacheStat.cachedPages(file));
        }
    }

    @Test
    void whatIsSyncedIsDurable() throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            Command write = new Command("dd", "if=/dev/urandom", "of=" + lab.file(), "bs=1M", "count=1", "status=none");
            write.with("conv=notrunc").run().succeeded();
            assertEquals(0, lab.device().flushCount());
            new Command("sync", lab.file()).run().succeeded();
            assertEquals(1, lab.device().flushCount());
            new Command("sync", "-d", lab.file()).run().succeeded();
            assertEquals(2, lab.device().flushCount());
            // O_DSYNC: each write by itself, and no flush of the rest.
            new Command("dd", "if=/dev/urandom", "of=" + lab.file(), "bs=4k", "count=3", "seek=9", "status=none")
                    .with("conv=notrunc", "oflag=dsync")
                    .run()
                    .succeeded();
            assertArrayEquals(lab.device().content(), lab.device().durable());
        }
    }

    @Test
    @Requires(tools = "fallocate")
    void holesReadAsZeros() throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            byte[] content = new byte[DISK_BYTES];
            Arrays.fill(content, (byte) 7);
            Files.write(lab.file(), content, java.nio.file.StandardOpenOption.WRITE);
            new Command("fallocate", "-p", "-o", 1 << 20, "-l", 1 << 20, lab.file())
                    .run()
                    .succeeded();
            new Command("fallocate", "-z", "-n", "-o", (4 << 20) + 100, "-l", 5000, lab.file())
                    .run()
                    .succeeded();
            new Command("fallocate", "-p", "-o", DISK_BYTES - 4096, "-l", 1 << 20, lab.file())
                    .run()
                    .succeeded();
            Arrays.fill(content, 1 << 20, 2 << 20, (byte) 0);
            Arrays.fill(content, (4 << 20) + 100, (4 << 20) + 5100, (byte) 0);
            Arrays.fill(content, DISK_BYTES - 4096, DISK_BYTES, (byte) 0);
            assertArrayEquals(content, Files.readAllBytes(lab.file()));
            new Command("fallocate", "-l", 2 * DISK_BYTES, lab.file()).run().exited(1);
            new Command("fallocate", "-z", "-o", DISK_BYTES, "-l", 4096, lab.file())
                    .run()
                    .exited(1);
            assertEquals(DISK_BYTES, Files.size(lab.file()));
            String map = Command.output(
                    "python3",
                    "-c",
                    "import os,sys\nf=os.open(sys.argv[1],0)\nd=os.lseek(f,1<<20,os.SEEK_DATA)\n"
                            + "print(os.lseek(f,0,os.SEEK_HOLE),d,os.lseek(f,d,os.SEEK_HOLE))",
                    lab.file());
            assertEquals((1 << 20) + " " + (2 << 20) + " " + (DISK_BYTES - 4096), map);
        }
    }

    @Test
    void aReadOnlyDiskIsOnlyRead() throws Exception {
        try (FuseLab lab = new FuseLab(RingKind.URING, DISK_BYTES, true, device -> device.put(5, new byte[] {1, 2}))) {
            Command write = new Command("dd", "if=/dev/zero", "of=" + lab.file(), "count=1", "conv=notrunc");
            assertTrue(write.run().exited(1).errors().contains("Read-only file system"));
            byte[] content = Files.readAllBytes(lab.file());
            assertArrayEquals(lab.device().content(), content);
            assertEquals("400", Command.output("stat", "-c", "%a", lab.file()));
        }
    }

    @Test
    void whileItIsOpenItStays() throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            try (Command.Running reader =
                    new Command("sleep", "60").directory(lab.file().getParent()).start()) {
                DeviceBusyException busy = assertThrows(DeviceBusyException.class, lab.mount()::remove);
                assertEquals("used by sleep (" + reader.pid() + ")", busy.getMessage());
                assertTrue(Files.exists(lab.file()));
                reader.kill();
            }
            lab.mount().remove();
            assertFalse(Files.exists(lab.file()));
            assertEquals(
                    "",
                    new Command("grep", lab.file().getParent(), "/proc/mounts")
                            .run()
                            .output());
            long end = System.nanoTime() + 10_000_000_000L;
            while (!lab.on(() -> lab.server().unmounted())) {
                assertTrue(System.nanoTime() < end, "not told of the unmount");
            }
            assertEquals(List.of("fuse: the file system was unmounted"), lab.log());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"URING", "OVER_RING"})
    void aServerThatStopsLeavesNobodyWaiting(RingKind kind) throws Exception {
        try (FuseLab lab = new FuseLab(kind, DISK_BYTES, false, device -> {})) {
            try (Command.Running reader = new Command("dd", "if=" + lab.file(), "of=/dev/null", "bs=4k").start()) {
                lab.stop();
                reader.await(30);
            }
            new Command("dd", "if=" + lab.file(), "of=/dev/null", "count=1")
                    .run()
                    .exited(1);
        }
    }

    /** By an io_uring the kernel keeps its commands, and with them the descriptor. */
    @ParameterizedTest
    @EnumSource(names = {"URING", "OVER_RING"})
    void norDoesAServerWhoseRingGoesOn(RingKind kind) throws Exception {
        try (FuseLab lab = new FuseLab(kind, DISK_BYTES, false, device -> {})) {
            new Command("dd", "if=" + lab.file(), "of=/dev/null", "count=1")
                    .run()
                    .succeeded();
            lab.on(() -> {
                lab.server().stop();
                assertTrue(lab.server().drained());
                lab.server().close();
                return null;
            });
            for (int n = 0; n < 3; n++) {
                new Command("dd", "if=" + lab.file(), "of=/dev/null", "count=1")
                        .run()
                        .exited(1);
            }
        }
    }

    @Test
    void aKilledClientLeavesNothing(SeededRandom random) throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            lab.on(() -> {
                lab.device().delay(lab.ring(), random, 20_000_000);
                return null;
            });
            for (int n = 0; n < 5; n++) {
                try (Command.Running writer = new Command(
                                "dd", "if=/dev/zero", "of=" + lab.file(), "bs=128k", "oflag=direct", "conv=notrunc")
                        .start()) {
                    Thread.sleep(50);
                    writer.kill();
                    assertFalse(writer.alive());
                }
            }
            long end = System.nanoTime() + 10_000_000_000L;
            while (lab.on(() -> lab.server().openFiles() + lab.server().requestsInFlight()) > 0) {
                assertTrue(System.nanoTime() < end, "something is left");
            }
            assertEquals(10, Files.newInputStream(lab.file()).read(new byte[10]));
        }
    }
}
