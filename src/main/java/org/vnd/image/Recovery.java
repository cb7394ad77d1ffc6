package org.vnd.image;

import java.io.IOException;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/**
 * Puts an image back that a killed daemon, or a crash of the machine, left locked: what the end of
 * {@link LayoutLock#release} would have done.
 */
public final class Recovery {
    private Recovery() {}

    /**
     * Recovers {@code path} if a disk that is gone had locked it.
     *
     * @return what there was to do, one line
     * @throws ImageException it can't be done, or the disk runs
     */
    public static String recover(String path) throws ImageException {
        BackingFile file = new BackingFile(path);
        try {
            OwnershipRecord record = OwnershipRecord.read(file);
            if (record == null) {
                return unmarked(file);
            }
            return record.isOfAnother(file.identity()) ? ofAnother(file, record) : recoverClaimed(file);
        } finally {
            file.close();
        }
    }

    /**
     * Recovers the image of a disk that crashed, if it is still locked by that disk, wherever the file is now.
     *
     * @return what there was to do, one line
     * @throws ImageException it can't be found, or can't be recovered
     */
    public static String recover(LostImage image) throws ImageException {
        BackingFile file = ImageSearch.find(image);
        if (file == null) {
            return image.name() + ": deleted since, nothing is left to unlock";
        }
        try {
            OwnershipRecord record = OwnershipRecord.read(file);
            if (record == null) {
                return unmarked(file) + moved(image, file);
            }
            if (record.isOfAnother(file.identity())) {
                return ofAnother(file, record);
            }
            if (!image.wrote(record)) {
                return file.path() + ": nothing to recover for " + image.unit() + ": locked by " + record.owner();
            }
            return recoverClaimed(file) + moved(image, file);
        } finally {
            file.close();
        }
    }

    /** Of a file without a record, which somebody may have taken from it. */
    private static String unmarked(BackingFile file) throws ImageException {
        try {
            return file.path() + ": nothing to recover"
                    + (file.isImmutable()
                            ? ", but it is immutable (if no disk has it, which only root sees, chattr -i ends that)"
                            : "");
        } catch (SysException e) {
            throw new ImageException(file.path(), Errno.message(e.errno()), e);
        }
    }

    /** Of a file that nobody has locked. */
    private static String ofAnother(BackingFile file, OwnershipRecord record) {
        return file.path() + ": nothing to recover, its attribute " + OwnershipRecord.ATTRIBUTE
                + " was written for another" + " file by " + record.unit()
                + " and copied along (setfattr -x removes it)";
    }

    /** Where it is by now, if not on the device on which it was. */
    private static String moved(LostImage image, BackingFile file) throws ImageException {
        try {
            FilePlace there = file.place();
            FilePlace then = image.place();
            boolean same = there.deviceMajor() == then.deviceMajor() && there.deviceMinor() == then.deviceMinor();
            return same || !image.isKnown() ? "" : " (on " + there.device() + ", where it is now)";
        } catch (SysException e) {
            throw new ImageException(file.path(), Errno.message(e.errno()), e);
        }
    }

    /**
     * Whether {@code path} leads to a file that is another than {@code image} was, though it may have its numbers: they are
     * given again.
     */
    public static boolean isAnother(String path, LostImage image) {
        try (BackingFile file = new BackingFile(path)) {
            return ImageSearch.isAnother(file, image);
        } catch (ImageException e) {
            return false;
        }
    }

    private static String recoverClaimed(BackingFile file) throws ImageException {
        int fd = Claim.open(file, FileCalls.O_RDONLY, false);
        try {
            OwnershipRecord record = OwnershipRecord.read(fd, file.path());
            if (record == null) {
                return file.path() + ": nothing to recover";
            }
            restore(file, fd, record);
            return file.path() + ": recovered, it was " + record.owner();
        } finally {
            Claim.end(fd);
        }
    }

    /** For the claimed file {@code fd}, whose owner is therefore gone. */
    static void takeOver(BackingFile file, int fd, AttachListener listener) throws IOException {
        OwnershipRecord record = OwnershipRecord.read(fd, file.path());
        if (record != null && !record.isOfAnother(file.identity())) {
            listener.step(LockStep.RECOVER);
            restore(file, fd, record);
            listener.note(file.path() + ": recovered, it was " + record.owner());
        }
    }

    /** The kernel serves a block device on after its daemon's death, as long as somebody has it open or mounted. */
    private static void refuseUsed(int fd, String path, OwnershipRecord record) throws ImageException {
        String device;
        try {
            // Of a running disk's they are no leftovers: this file is on a copy of its file system.
            device = record.writerRuns() ? "" : DmLeftovers.remove(record.file());
            if (device.isEmpty()) {
                device = LoopsOverBlocks.find(fd, path);
            }
        } catch (IOException e) {
            throw new StillServedException(
                    path,
                    "locked by " + record.owner() + ", which is gone, but whether a block device still has its blocks"
                            + " can't be told: " + e.getMessage(),
                    e);
        }
        if (!device.isEmpty()) {
            throw new StillServedException(
                    path,
                    "locked by " + record.owner() + ", which is gone, but " + device
                            + " still is that disk: unmount or close it first, and it goes away");
        }
    }

    private static void restore(BackingFile file, int fd, OwnershipRecord record) throws ImageException {
        String path = file.path();
        refuseUsed(fd, path, record);
        try {
            // A loop device whose direct I/O was switched off wrote to the cache below it, and the kernel writes that
            // at
            // any time: it must be done before the blocks can be another file's.
            int synced = FileCalls.syncfs(fd);
            if (synced != -Errno.EIO) {
                // That is of any file's, at any time.
                Libc.check(synced, "syncfs", path);
            }
            // The killed disk wrote behind the cache. A page from before must be gone while the flag still keeps
            // writers
            // out: they would put all of it back.
            long left = PageCache.empty(fd, path, FileFacts.read(fd, path).sizeBytes());
            if (left > 0) {
                throw new ImageException(
                        path,
                        left + " pages of it stay in the page cache, close it there first: "
                                + Holders.describe(file, fd));
            }
            record.putFlagsBack(fd, path);
            Libc.check(FileCalls.touch(fd), "set the time of", path);
            OwnershipRecord.remove(fd, path);
            Libc.check(FileCalls.fsync(fd), "fsync", path);
        } catch (SysException e) {
            String why = switch (e.errno()) {
                case Errno.EPERM -> "recovering it needs root";
                case Errno.EROFS ->
                    "its file system is mounted read-only: remount it (mount -o remount,rw), and recover it again";
                default -> e.getMessage();
            };
            throw new ImageException(path, "locked by " + record.owner() + ", which is gone: " + why, e);
        }
    }
}
