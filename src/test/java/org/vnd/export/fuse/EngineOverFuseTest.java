package org.vnd.export.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.block.BlockDevice;
import org.vnd.engine.Engine;
import org.vnd.engine.FileEngine;
import org.vnd.engine.Gate;
import org.vnd.export.fuse.FuseLab.RingKind;
import org.vnd.lab.CacheStat;
import org.vnd.lab.Command;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.OnDisk;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/** The whole way from a client of the mounted file to an image on a file system, and neither of the two in the cache. */
@Requires(
        loop = true,
        files = "/dev/fuse",
        tools = {"fio", "mkfs.ext4", "fsck.ext4", "losetup"})
@ExtendWith(Seeded.class)
class EngineOverFuseTest {
    private static final int DISK_BYTES = 256 << 20;

    @TempDir(factory = OnDisk.class)
    private Path scratch;

    private Path image;
    private int fd;

    private BlockDevice engine(Ring ring, AlignedBuffer arena) throws IOException {
        fd = (int) Libc.check(
                FileCalls.open(image.toString(), FileCalls.O_RDWR | FileCalls.O_DIRECT), "open", image.toString());
        Engine engine = new FileEngine(ring, new Gate(Long.MAX_VALUE), fd, false, 0, DISK_BYTES, 4096, false, true);
        ring.registerMemory(arena, engine.memory());
        ring.registerFiles(fd);
        return engine;
    }

    @ParameterizedTest
    @EnumSource
    void everyByteArrives(RingKind kind, SeededRandom random) throws Exception {
        image = scratch.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        try (FuseLab lab = new FuseLab(kind, false, this::engine)) {
            com.sun.management.ThreadMXBean threads =
                    (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            fio(lab.file());
            long before = threads.getThreadAllocatedBytes(lab.threadId());
            fio(lab.file());
            long allocated = threads.getThreadAllocatedBytes(lab.threadId()) - before;
            assertTrue(allocated < 2000, allocated + " bytes allocated by a second run");
            fileSystem(lab.file(), random);
            assertEquals(0, CacheStat.cachedPages(lab.file()));
            assertEquals(0, CacheStat.cachedPages(image));
            new Command("cmp", image, lab.file()).run().succeeded();
            assertEquals(lab.quietLog(), lab.log());
        } finally {
            FileCalls.close(fd);
        }
    }

    private static void fio(Path file) {
        new Command("fio", "--name=fuse", "--filename=" + file, "--direct=1", "--size=" + DISK_BYTES)
                .with("--ioengine=io_uring", "--rw=randwrite", "--iodepth=32", "--bsrange=512-256k", "--blockalign=512")
                .with("--verify=crc32c", "--verify_fatal=1", "--verify_backlog=512", "--verify_backlog_batch=256")
                .with("--serialize_overlap=1", "--randrepeat=0", "--allow_file_create=0", "--fsync=200")
                .with("--time_based", "--runtime=3")
                .limitSeconds(120)
                .run()
                .succeeded();
    }

    /** A file system on a loop device on the file: files, discards, and what fsck says. */
    private void fileSystem(Path file, SeededRandom random) throws Exception {
        byte[] content = new byte[30 << 20];
        random.fill(content);
        Path expected = Files.write(scratch.resolve("expected"), content);
        Path folder = Files.createDirectories(scratch.resolve("mnt"));
        try (LoopDevice loop = LoopDevice.attach(file, true)) {
            new Command("mkfs.ext4", "-q", loop.path()).run().succeeded();
            for (String options : new String[] {"discard", "ro"}) {
                new Command("mount", "-o", options, loop.path(), folder).run().succeeded();
                try {
                    if (options.equals("ro")) {
                        assertEquals(-1, Files.mismatch(expected, folder.resolve("a")));
                    } else {
                        Files.write(folder.resolve("b"), content);
                        Files.write(folder.resolve("a"), content);
                        Files.delete(folder.resolve("b"));
                        new Command("fstrim", folder).run().succeeded();
                    }
                } finally {
                    new Command("umount", folder).run().succeeded();
                }
                new Command("fsck.ext4", "-f", "-n", loop.path()).run().succeeded();
            }
        }
    }
}
