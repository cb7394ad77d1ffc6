package org.vnd.system;

import org.vnd.lab.Command;

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

    /** Starts {@code count} writes of random size and place, 32 at a time. */
    static Command.Running randomWrites(AttachedDisk disk, long count, long seed) {
        return new Command("fio", "--name=writes", "--ioengine=nbd", "--uri=" + disk.uri(), "--rw=randwrite")
                .with("--iodepth=32", "--bsrange=512-64k", "--bs_unaligned=1", "--blockalign=1", "--norandommap")
                .with("--number_ios=" + count, "--size=" + disk.size(), "--io_size=1000000g", "--randseed=" + seed)
                .start();
    }
}
