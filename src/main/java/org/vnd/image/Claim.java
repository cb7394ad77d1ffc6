package org.vnd.image;

import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * An open image that no other vnd has: of two that attach at once, flock(2) lets one win. It ends with the descriptor,
 * however the process ends, and holds in every container, where process ids mean nothing.
 */
final class Claim {
    private Claim() {}

    /** Opens {@code file} for reading or writing and claims it, alone or shared with other readers. */
    static int open(BackingFile file, int flags, boolean shared) throws ImageException {
        refuseOwned(file);
        int fd = open(file, flags);
        int lock = (shared ? FileCalls.LOCK_SHARED : FileCalls.LOCK_EXCLUSIVE) | FileCalls.LOCK_NONBLOCK;
        int result = FileCalls.flock(fd, lock);
        if (result < 0) {
            // First, because to look for holders takes long on a busy machine, and meanwhile whoever has the claim
            // could
            // not get his lease: nobody would have the image.
            FileCalls.close(fd);
            String why = result == -Errno.EAGAIN
                    ? "already attached, or locked with flock: " + Holders.describe(file, -1)
                    : "can't be locked: " + Errno.message(-result);
            throw new ImageException(file.path(), why);
        }
        return fd;
    }

    /** Says who has the image, without opening it, which would break its owner's lease. */
    private static void refuseOwned(BackingFile file) throws ImageException {
        OwnershipRecord record = OwnershipRecord.read(file);
        if (record != null && record.ownerRuns(file.identity())) {
            throw new ImageException(file.path(), "already attached as " + record.owner());
        }
    }

    private static int open(BackingFile file, int flags) throws ImageException {
        try {
            return file.open(flags);
        } catch (SysException e) {
            // In the meantime another may have got it.
            refuseOwned(file);
            throw new ImageException(file.path(), reason(file, flags, e), e);
        }
    }

    private static String reason(BackingFile file, int flags, SysException e) {
        boolean writing = (flags & FileCalls.O_RDWR) != 0;
        return switch (e.errno()) {
            case Errno.EAGAIN -> "in use: " + Holders.describe(file, -1);
            case Errno.ETXTBSY -> "in use: " + Holders.describe(file, -1);
            case Errno.EROFS -> "its file system is read-only: attach it read-only with -r";
            case Errno.EACCES ->
                writing
                        ? "no permission to write: attach it read-only with -r, or get that permission"
                        : "no permission to read";
            case Errno.EPERM ->
                writing
                        ? "immutable or append-only: chattr -ia it first, or attach it read-only with -r"
                        : "in use: another program refuses that it is opened (fanotify), perhaps a disk being attached";
            case Errno.EINVAL ->
                (flags & FileCalls.O_DIRECT) != 0
                        ? "its file system has no O_DIRECT, and the host's page cache is what vnd never uses"
                        : Errno.message(e.errno());
            default -> Errno.message(e.errno());
        };
    }

    /** Ends the claim and closes {@code fd}. Said, because a ring that has the file registered lets go of it later. */
    static void end(int fd) {
        FileCalls.flock(fd, FileCalls.LOCK_UNLOCK);
        FileCalls.close(fd);
    }
}
