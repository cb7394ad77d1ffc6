package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.RangeLock;

/**
 * The locks by which QEMU's programs tell each other what they do with an image, taken and obeyed as they do: who has it by
 * them keeps out qemu-img, qemu-nbd and virtual machines, each of which says that it can't get the lock, and the other way
 * round. They are advice: whoever doesn't ask for them gets in.
 *
 * <p>What one does is a permission, and each has a number. A lock for reading, fcntl(2) F_OFD_SETLK, on byte 100 + number
 * says that one does it, on byte 200 + number that nobody else may: RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE of QEMU's
 * block/file-posix.c, BLK_PERM_* of its include/block/block-common.h.
 *
 * <p>A disk that is written says that it may change the size, too, which it doesn't: {@code qemu-nbd -r} puts up with writers
 * as long as they don't do that, and what it read would be a mixture. Programs that only look (qemu-img info) get in.
 */
final class QemuLocks {
    private static final int DOES_BASE = 100;
    private static final int FORBIDS_BASE = 200;

    private static final int CONSISTENT_READ = 0;
    private static final int WRITE = 1;
    private static final int WRITE_UNCHANGED = 2;
    private static final int RESIZE = 3;

    private static final int[] WRITER_DOES = {CONSISTENT_READ, WRITE, RESIZE};
    private static final int[] READER_DOES = {CONSISTENT_READ};
    private static final int[] WRITER_FORBIDS = {WRITE, WRITE_UNCHANGED, RESIZE};
    private static final int[] READER_FORBIDS = {WRITE, RESIZE};

    private final int fd;
    private final ByteBuffer lock = Libc.struct(RangeLock.SIZE_BYTES);

    private QemuLocks(int fd) {
        this.fd = fd;
    }

    /**
     * Takes those of somebody who reads, or who also writes, on the open file {@code fd}. They end with it, or by {@link
     * #giveUp}.
     *
     * @return why they can't be had, so that nobody is kept out; empty if they were taken
     * @throws ImageException somebody has it whom they keep out
     */
    static String take(BackingFile file, int fd, boolean writable) throws ImageException {
        QemuLocks locks = new QemuLocks(fd);
        int[] does = writable ? WRITER_DOES : READER_DOES;
        int[] forbids = writable ? WRITER_FORBIDS : READER_FORBIDS;
        // First, as QEMU does it: of two at once, at least one sees the other.
        int result = locks.takeAll(DOES_BASE, does);
        if (result == 0) {
            result = locks.takeAll(FORBIDS_BASE, forbids);
        }
        // EAGAIN: somebody has one for writing, which nobody of QEMU's does, and which keeps us out all the same.
        if (result < 0 && result != -Errno.EAGAIN) {
            return "locks: " + Errno.message(-result);
        }
        if (result < 0 || locks.anyTaken(FORBIDS_BASE, does) || locks.anyTaken(DOES_BASE, forbids)) {
            throw new ImageException(
                    file.path(),
                    "in use by QEMU, or by a program with the same locks: "
                            + Holders.find(file, fd).describe("/proc doesn't show which"));
        }
        return "";
    }

    /** Ends them though a ring or a child of this process still has {@code fd}. */
    static void giveUp(int fd) {
        QemuLocks locks = new QemuLocks(fd);
        locks.call(RangeLock.F_OFD_SETLK, FileCalls.F_UNLCK, DOES_BASE, 2 * FORBIDS_BASE - DOES_BASE);
    }

    private int takeAll(int base, int[] permissions) {
        int result = 0;
        for (int at = 0; at < permissions.length && result == 0; at++) {
            result = call(RangeLock.F_OFD_SETLK, FileCalls.F_RDLCK, base + permissions[at], 1);
        }
        return result;
    }

    /** Whether another has one of them. */
    private boolean anyTaken(int base, int[] permissions) {
        for (int permission : permissions) {
            int result = call(RangeLock.F_OFD_GETLK, FileCalls.F_WRLCK, base + permission, 1);
            if (result == 0 && lock.getShort(RangeLock.TYPE_OFFSET) != FileCalls.F_UNLCK) {
                return true;
            }
        }
        return false;
    }

    private int call(int command, int type, long startBytes, long lengthBytes) {
        lock.putShort(RangeLock.TYPE_OFFSET, (short) type)
                .putLong(RangeLock.START_OFFSET, startBytes)
                .putLong(RangeLock.LENGTH_OFFSET, lengthBytes)
                .putInt(RangeLock.PID_OFFSET, 0);
        int result = FileCalls.fcntl(fd, command, Libc.address(lock));
        Reference.reachabilityFence(lock);
        return result;
    }
}
