package org.vnd.system;

import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.lab.Command;
import org.vnd.lab.SeededRandom;

/** fio's nbd engine. */
final class Fio {
    private Fio() {}

    /** Random writes of random size, unaligned, 32 at a time, read back and compared by CRC-32C for {@code seconds}. */
    static void verify(AttachedDisk disk, int seconds) {
        new Command("fio", "--name=verify", "--ioengine=nbd", "--uri=" + disk.uri(), "--rw=randwrite", "--iodepth=32")
                .with("--bsrange=512-128k", "--bs_unaligned=1", "--blockalign=1", "--verify=crc32c", "--verify_fatal=1")
                .with("--verify_backlog=512", "--verify_backlog_batch=256", "--serialize_overlap=1")
                .with("--time_based", "--runtime=" + seconds, "--size=" + disk.size(), "--randrepeat=0")
                .limitSeconds(seconds + 240)
                .run()
                .succeeded();
    }

    /**
     * Random writes of random size to the block device or file at {@code node}, 32 at a time, for {@code seconds}, read back
     * with direct I/O and compared by CRC-32C. If they aren't {@code direct} they go through the device's cache, which is
     * emptied before; a file of ours has none.
     */
    static void verifyDevice(Path node, boolean direct, long seconds, SeededRandom random) {
        if (direct) {
            job(node, random.nextLong())
                    .with("--direct=1", "--verify_fatal=1", "--verify_backlog=512", "--verify_backlog_batch=256")
                    .with("--serialize_overlap=1", "--time_based", "--runtime=" + seconds)
                    .limitSeconds(seconds + 240)
                    .run()
                    .succeeded();
            return;
        }
        long endNanos = System.nanoTime() + seconds * 1_000_000_000;
        do {
            long seed = random.nextLong();
            job(node, seed)
                    .with("--direct=0", "--do_verify=0", "--end_fsync=1")
                    .limitSeconds(240)
                    .run()
                    .succeeded();
            if (!Files.isRegularFile(node)) {
                Command.output("blockdev", "--flushbufs", node);
            }
            job(node, seed)
                    .with("--direct=1", "--verify_only=1")
                    .limitSeconds(240)
                    .run()
                    .succeeded();
        } while (System.nanoTime() - endNanos < 0);
    }

    private static Command job(Path node, long seed) {
        return new Command("fio", "--name=verify", "--filename=" + node, "--rw=randwrite", "--ioengine=io_uring")
                .with("--iodepth=32", "--bsrange=512-128k", "--blockalign=512", "--verify=crc32c")
                .with("--randseed=" + (seed >>> 1), "--size=100%");
    }

    /** Starts {@code count} writes of random size and place, 32 at a time. */
    static Command.Running randomWrites(AttachedDisk disk, long count, long seed) {
        return new Command("fio", "--name=writes", "--ioengine=nbd", "--uri=" + disk.uri(), "--rw=randwrite")
                .with("--iodepth=32", "--bsrange=512-64k", "--bs_unaligned=1", "--blockalign=1", "--norandommap")
                .with("--number_ios=" + count, "--size=" + disk.size(), "--io_size=1000000g", "--randseed=" + seed)
                .start();
    }
}
