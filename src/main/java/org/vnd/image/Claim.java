package org.vnd.image;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vnd.proc.Findings;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * An open image that no other vnd has: of two that attach at once, flock(2) lets one win. It ends with the descriptor,
 * however the process ends, and holds in every container, where process ids mean nothing.
 */
final class Claim {
    /**
     * What a killed disk leaves is waited for, as long as no process has the file open: a kernel thread takes its ring
     * apart, and only then is the file free; 35 to 60 ms after the end of the process on Linux 6.18, with its disk idle
     * again. Six attempts, because each breaks the lease of a holder that can't be seen from here, and 1.6 s in all.
     */
    private static final int FIRST_PAUSE_MILLIS = 50;

    private static final int LAST_PAUSE_MILLIS = 800;

    /** Whoever is seen may be a child that a program has just forked, which has all that its parent has until it begins. */
    private static final int LAST_PAUSE_OF_KNOWN_MILLIS = 100;

    /** As {@link Holders} names the program of native/lock.c. */
    private static final String LOCK_HOLDER = "(vnd-lock)";

    private static final String IN_USE = "in use: ";

    private static final String ATTACHED = "already attached as ";

    private static final String REMEDY =
            ": of a disk that was killed, whose block device is still used: unmount or close that first";

    private Claim() {}

    /** Somebody has the file. */
    private static final class HeldException extends ImageException {
        private static final long serialVersionUID = 1L;

        private final boolean holderIsKnown;

        HeldException(BackingFile file, String how) {
            this(file, how, Holders.find(file, -1));
        }

        private HeldException(BackingFile file, String how, Findings holders) {
            super(file.path(), explain(how, holders));
            // What holds the lock of a killed disk ends with that disk's last request.
            holderIsKnown = holders.names().stream().anyMatch(name -> !name.contains(LOCK_HOLDER));
        }

        private static String explain(String how, Findings holders) {
            Optional<String> owner = RunningDisk.among(holders.names());
            if (owner.isPresent()) {
                return ATTACHED + owner.get();
            }
            return isKept(holders) ? IN_USE + Holders.describe(holders) + REMEDY : how + Holders.describe(holders);
        }

        /** A disk that lives has it open, too. */
        private static boolean isKept(Findings holders) {
            List<String> names = holders.names();
            return holders.complete()
                    && !names.isEmpty()
                    && names.stream().allMatch(name -> name.contains(LOCK_HOLDER));
        }
    }

    /** Opens {@code file} for reading or writing and claims it, alone or shared with other readers. */
    static int open(BackingFile file, int flags, boolean shared) throws ImageException {
        for (int pauseMillis = FIRST_PAUSE_MILLIS; ; pauseMillis *= 2) {
            refuseOwned(file);
            try {
                return attempt(file, flags, shared);
            } catch (HeldException e) {
                if (pauseMillis > (e.holderIsKnown ? LAST_PAUSE_OF_KNOWN_MILLIS : LAST_PAUSE_MILLIS)) {
                    throw e;
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pauseMillis));
            }
        }
    }

    private static int attempt(BackingFile file, int flags, boolean shared) throws ImageException {
        int fd = open(file, flags);
        int lock = (shared ? FileCalls.LOCK_SHARED : FileCalls.LOCK_EXCLUSIVE) | FileCalls.LOCK_NONBLOCK;
        int result = FileCalls.flock(fd, lock);
        if (result < 0) {
            // First, because to look for holders takes long on a busy machine, and meanwhile whoever has the claim
            // couldn't get his lease: nobody would have the image.
            FileCalls.close(fd);
            if (result == -Errno.EAGAIN) {
                throw new HeldException(file, "already attached, or locked with flock: ");
            }
            throw new ImageException(file.path(), "can't be locked: " + Errno.message(-result));
        }
        return fd;
    }

    /** Says who has the image, without opening it, which would break its owner's lease. */
    private static void refuseOwned(BackingFile file) throws ImageException {
        OwnershipRecord record = OwnershipRecord.read(file);
        if (record != null && record.ownerRuns(file.identity())) {
            String elsewhere = record.isWhereItWas(file.identity())
                    ? ""
                    : " by another device of its file system (in a copy of that: chattr -i and setfattr -x "
                            + OwnershipRecord.ATTRIBUTE + " on it)";
            throw new ImageException(file.path(), ATTACHED + record.owner() + elsewhere);
        }
    }

    private static int open(BackingFile file, int flags) throws ImageException {
        try {
            return file.open(flags);
        } catch (SysException e) {
            // In the meantime another may have got it.
            refuseOwned(file);
            if (e.errno() == Errno.EAGAIN || e.errno() == Errno.ETXTBSY) {
                throw new HeldException(file, IN_USE);
            }
            if (e.errno() == Errno.EPERM && (flags & FileCalls.O_RDWR) == 0) {
                // What holds the lock of a disk that was killed does so until nothing of that can write any more.
                throw new HeldException(file, "in use, another program refuses that it is opened (fanotify): ");
            }
            throw new ImageException(file.path(), reason(flags, e), e);
        }
    }

    private static String reason(int flags, SysException e) {
        boolean writing = (flags & FileCalls.O_RDWR) != 0;
        return switch (e.errno()) {
            case Errno.EROFS -> "its file system is read-only: attach it read-only with -r";
            case Errno.EACCES ->
                writing
                        ? "no permission to write: attach it read-only with -r, or get that permission"
                        : "no permission to read";
            case Errno.EPERM -> "immutable or append-only: chattr -ia it first, or attach it read-only with -r";
            case Errno.EINVAL ->
                (flags & FileCalls.O_DIRECT) != 0
                        ? "its file system has no O_DIRECT, and the host's page cache is what vnd never uses"
                        : Errno.message(e.errno());
            default -> Errno.message(e.errno());
        };
    }

    /**
     * Ends the claim and closes {@code fd}. Said, because a ring that has the file registered lets go of it later, and so
     * does a child that another thread is just starting.
     */
    static void end(int fd) {
        FileCalls.flock(fd, FileCalls.LOCK_UNLOCK);
        FileCalls.close(fd);
    }
}
