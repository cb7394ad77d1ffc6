package org.vnd.export.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.fuse.FuseLab.RingKind;
import org.vnd.lab.Beside;
import org.vnd.lab.CacheStat;
import org.vnd.lab.Command;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The mounted file under load, and as a block device by a loop device on top. */
@Beside
@Requires(
        root = true,
        files = {"/dev/fuse"})
@ExtendWith(Seeded.class)
class FuseWorkloadTest {
    private static final int DISK_BYTES = 32 << 20;

    @TempDir
    private Path scratch;

    private static Command fio(Path file, Object... more) {
        return new Command("fio", "--name=fuse", "--filename=" + file, "--direct=1", "--size=" + DISK_BYTES)
                .with("--randrepeat=0", "--allow_file_create=0", "--overwrite=1")
                .with(more)
                .limitSeconds(120);
    }

    private static void verify(Path file, String engine, Object... more) {
        fio(file, "--ioengine=" + engine, "--rw=randwrite", "--iodepth=32", "--bsrange=4k-256k", "--blockalign=4k")
                .with("--verify=crc32c", "--verify_fatal=1", "--verify_backlog=512", "--verify_backlog_batch=256")
                .with("--serialize_overlap=1", "--time_based", "--runtime=5")
                .with(more)
                .run()
                .succeeded();
    }

    @ParameterizedTest
    @EnumSource
    @Requires(tools = "fio")
    void whatIsWrittenIsRead(RingKind kind, SeededRandom random) throws Exception {
        try (FuseLab lab = new FuseLab(kind, DISK_BYTES, false, device -> {})) {
            lab.on(() -> {
                lab.device().delay(lab.ring(), random, 500_000);
                return null;
            });
            verify(lab.file(), "io_uring");
            verify(lab.file(), "libaio");
            assertEquals(0, CacheStat.cachedPages(lab.file()));
            assertEquals(lab.quietLog(), lab.log());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"URING", "OVER_RING"})
    @Requires(tools = "fio")
    void offsetsNeedNoAlignment(RingKind kind, SeededRandom random) throws Exception {
        try (FuseLab lab = new FuseLab(kind, DISK_BYTES, false, device -> {})) {
            verify(lab.file(), "io_uring", "--bsrange=512-100k", "--bs_unaligned=1", "--blockalign=1");
        }
    }

    @ParameterizedTest
    @CsvSource({"URING,1", "URING,32", "THREADS,32", "OVER_RING,32"})
    @Requires(tools = "fio")
    void nothingIsAllocatedForARequest(RingKind kind, int depth) throws Exception {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        int requests = 20_000;
        try (FuseLab lab = new FuseLab(kind, DISK_BYTES, false, device -> {})) {
            Object[] load = {
                "--ioengine=libaio",
                "--rw=randrw",
                "--iodepth=" + depth,
                "--bssplit=4k/90:64k/5:5000/5",
                "--blockalign=1k",
                "--fsync=100",
                "--time_based=0",
                "--io_size=100g",
                "--number_ios=" + requests
            };
            fio(lab.file(), load).run().succeeded();
            long before = threads.getThreadAllocatedBytes(lab.threadId());
            fio(lab.file(), load).run().succeeded();
            long allocated = threads.getThreadAllocatedBytes(lab.threadId()) - before;
            assertTrue(allocated < requests / 10, allocated + " bytes for " + requests + " requests");
        }
    }

    @Test
    @Requires(
            loop = true,
            tools = {"mkfs.ext4", "fsck.ext4", "losetup"})
    void withALoopDeviceItIsABlockDevice(SeededRandom random) throws Exception {
        try (FuseLab lab = new FuseLab(DISK_BYTES)) {
            Path folder = Files.createDirectory(scratch.resolve("mnt"));
            byte[] content = new byte[10 << 20];
            random.fill(content);
            try (LoopDevice loop = LoopDevice.attach(lab.file(), true)) {
                assertEquals("1", Command.output("losetup", "-n", "-O", "DIO", loop.path()));
                new Command("mkfs.ext4", "-q", loop.path()).run().succeeded();
                new Command("mount", loop.path(), folder).run().succeeded();
                try {
                    Files.write(folder.resolve("large"), content);
                    for (int n = 0; n < 200; n++) {
                        Files.write(folder.resolve("small" + n), new byte[] {(byte) n});
                    }
                    DeviceBusyException busy = assertThrows(DeviceBusyException.class, lab.mount()::remove);
                    assertTrue(busy.getMessage().contains(loop.path().toString()), busy.getMessage());
                } finally {
                    new Command("umount", folder).run().succeeded();
                }
                new Command("fsck.ext4", "-f", "-n", loop.path()).run().succeeded();
                new Command("mount", "-o", "ro", loop.path(), folder).run().succeeded();
                try {
                    assertEquals(
                            -1,
                            Files.mismatch(folder.resolve("large"), Files.write(scratch.resolve("large"), content)));
                } finally {
                    new Command("umount", folder).run().succeeded();
                }
                assertTrue(lab.device().flushCount() > 0, "nothing was ever made durable");
            }
            assertEquals(0, CacheStat.cachedPages(lab.file()));
            // The file itself, by fsck that knows files.
            new Command("fsck.ext4", "-f", "-n", lab.file()).run().succeeded();
        }
    }
}
