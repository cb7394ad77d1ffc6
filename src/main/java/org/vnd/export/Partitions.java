package org.vnd.export;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Has the kernel know the partitions of a disk by partx(8): kernels are built without eyes for one kind of table or another,
 * and some look only when they are told. Another process, because to read a disk is to wait for whoever serves it.
 */
public final class Partitions {
    /** What partx may take, when the disk answers. */
    public static final int LIMIT_SECONDS = 10;

    private static final AtomicBoolean absenceTold = new AtomicBoolean();

    private Partitions() {}

    /** Has partx read the table of the disk at {@code node}, and tell the kernel what has changed. */
    public static void update(String node) {
        Process partx = startUpdate(node);
        if (partx != null) {
            SmallProgram.end(partx, LIMIT_SECONDS);
        }
    }

    /**
     * Has partx begin with it; null if there is none, and then the kernel's own eyes have to do, which is told once, in the
     * log. How it ends says no more than that there is no table, or that a partition is in use and stays.
     */
    public static @Nullable Process startUpdate(String node) {
        Process partx = SmallProgram.start("partx", "--update", node);
        if (partx == null && !absenceTold.getAndSet(true)) {
            System.err.println("partx isn't there (util-linux): partitions are those that the kernel finds by itself");
        }
        return partx;
    }
}
