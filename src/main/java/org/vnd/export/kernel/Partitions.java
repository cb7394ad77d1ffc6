package org.vnd.export.kernel;

import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * Has the kernel know the partitions of a disk by partx(8) after their table has changed: kernels are built without eyes for
 * one kind of table or another, and some look only when they are told.
 *
 * <p>A change is seen in the first bytes of the disk, which hold an MBR, and the header of a GPT with the checksum of its
 * entries. Logical partitions of an MBR are elsewhere; they need partx by hand.
 */
final class Partitions implements AutoCloseable {
    /** Sectors 0 and 1, for sectors of up to a page. */
    private static final int LOOKED_AT_BYTES = 2 * AlignedBuffer.PAGE_BYTES;

    /** The end of a boot sector, with a table in it or without. */
    private static final int SIGNATURE_OFFSET = 510;

    private static final short SIGNATURE = (short) 0xAA55;

    /** What partx may take, when the disk answers. */
    static final int LIMIT_SECONDS = 10;

    private final String node;
    private final AlignedBuffer seen = new AlignedBuffer(LOOKED_AT_BYTES);
    private final AlignedBuffer now = new AlignedBuffer(LOOKED_AT_BYTES);

    /** Of the disk at {@code node}, which has no table yet, as far as we know. */
    Partitions(String node) throws SysException {
        this.node = node;
    }

    /** Looks at the disk, open as {@code fd}. */
    void look(int fd) {
        // Through the disk's own cache, like those who write tables: nothing is read while nothing changes.
        long count = FileCalls.pread(fd, now.address(), LOOKED_AT_BYTES, 0);
        if (count < LOOKED_AT_BYTES || seen.bytes().equals(now.bytes())) {
            return;
        }
        boolean tableBefore = hasSignature(seen);
        seen.bytes().put(0, now.bytes(), 0, LOOKED_AT_BYTES);
        if (tableBefore || hasSignature(now)) {
            update(node);
        }
    }

    private static boolean hasSignature(AlignedBuffer sectors) {
        return sectors.bytes().getShort(SIGNATURE_OFFSET) == SIGNATURE;
    }

    /** Has partx read the table of the disk at {@code node}, and tell the kernel what has changed. */
    static void update(String node) {
        Process partx = startUpdate(node);
        if (partx != null) {
            SmallProgram.end(partx, LIMIT_SECONDS);
        }
    }

    /**
     * Has partx begin with it; null if there is none, and then the kernel's own eyes have to do. How it ends says no more than
     * that there is no table, or that a partition is in use and stays.
     */
    static @Nullable Process startUpdate(String node) {
        return SmallProgram.start("partx", "--update", node);
    }

    @Override
    public void close() {
        seen.close();
        now.close();
    }
}
