package org.vnd.image;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.Statfs;

/**
 * What the file engine needs: the file open with O_DIRECT, claimed against other vnds and QEMU's programs, and the proof that
 * at the time of attach nobody else had it open. The layout may change; the file system looks each place up anew.
 *
 * <p>Whoever asks for none of these locks can open the file and change it while the disk has it. {@link FileWatch} notices:
 * a disk whose file was cut fails, since what is missing would be made anew with zeros; the rest is told to its owner.
 *
 * <p>More isn't had, on purpose. A lease kept all along would make every reader wait until it breaks, 45 s or a look of ours,
 * and it can't be lowered to one that lets readers in: the kernel gives that to no writer. Given up for a reader, it is gone
 * while he reads, which is when a writer comes in unseen. And the immutable flag, which root could set, has ext4 refuse our
 * own writes; elsewhere it refuses to punch holes, and a crash would leave it.
 */
final class FileLock implements ImageLock {
    private final BackingFile file;
    private final int fd;
    private final boolean writable;
    private final int blockBytes;
    private final FileWatch watch;
    /** What couldn't be had of it, a line each. */
    private final List<String> missing;

    private FileLock(
            BackingFile file, int fd, boolean writable, int blockBytes, FileWatch watch, List<String> missing) {
        this.file = file;
        this.fd = fd;
        this.writable = writable;
        this.blockBytes = blockBytes;
        this.watch = watch;
        this.missing = missing;
    }

    /**
     * Opens and claims {@code file}. The lock then owns and closes it.
     *
     * @throws ImageException it can't be, or others have it open; {@code file} is still the caller's
     */
    static FileLock acquire(BackingFile file, boolean writable, AttachListener listener) throws IOException {
        int flags = (writable ? FileCalls.O_RDWR : FileCalls.O_RDONLY) | FileCalls.O_DIRECT;
        listener.step(LockStep.LEASE);
        int fd = Claim.open(file, flags, !writable);
        FileWatch watch = null;
        try {
            List<String> missing = new ArrayList<>();
            boolean leased = proveAlone(file, fd, writable, missing);
            FileFacts facts = FileFacts.read(fd, file.path());
            // While nobody else can have it open, so that nothing is missed.
            watch = FileWatch.start(file, fd, facts.sizeBytes());
            if (leased) {
                Lease.giveUp(fd);
            }
            String refusal = QemuLocks.take(file, fd, writable);
            if (!refusal.isEmpty()) {
                missing.add("QEMU's programs aren't kept out of it (" + refusal + ")");
            }
            for (String each : missing) {
                listener.note(file.path() + ": " + each);
            }
            // Also takes O_NONBLOCK away, which io_uring would obey.
            Libc.check(FileCalls.fcntl(fd, FileCalls.F_SETFL, FileCalls.O_DIRECT), "set O_DIRECT on", file.path());
            emptyPageCache(file, fd, facts, listener);
            int blockBytes = DirectIo.blockBytes(facts, file.path());
            return new FileLock(file, fd, writable, blockBytes, watch, missing);
        } catch (IOException | RuntimeException | Error e) {
            if (watch != null) {
                watch.end();
            }
            Claim.end(fd);
            throw e;
        }
    }

    /**
     * A writer must be the only one; a reader puts up with readers. Whether the lease was taken, which is to be given back: it
     * would bar them.
     */
    private static boolean proveAlone(BackingFile file, int fd, boolean writable, List<String> missing)
            throws ImageException {
        int result = Lease.take(fd, writable ? FileCalls.F_WRLCK : FileCalls.F_RDLCK);
        if (result == -Errno.EAGAIN) {
            throw new ImageException(file.path(), "in use: " + Holders.describe(file, fd));
        }
        if (result < 0) {
            missing.add("it can't be told whether others have it open (lease: " + Errno.message(-result) + ")");
            return false;
        }
        return true;
    }

    /**
     * What was read or written before the attach needn't stay in the host's memory. Unlike with the layout lock, pages
     * that do stay are no danger, because the file system keeps them in step; on tmpfs they are the file.
     */
    private static void emptyPageCache(BackingFile file, int fd, FileFacts facts, AttachListener listener)
            throws IOException {
        if (facts.fileSystemType() == Statfs.TMPFS_MAGIC) {
            return;
        }
        long left = PageCache.empty(fd, file.path(), facts.sizeBytes());
        if (left > 0) {
            listener.note(file.path() + ": " + left + " pages of it stay in the page cache: somebody reads it");
        }
    }

    int blockBytes() {
        return blockBytes;
    }

    @Override
    public boolean othersWait() {
        return false;
    }

    @Override
    public boolean holds() {
        return watch.uncut();
    }

    /** Whether the file wasn't cut: nothing else that can happen to it makes I/O through it unsound. */
    @Override
    public boolean verify() {
        watch.look();
        return watch.loss().isEmpty();
    }

    @Override
    public boolean lost() {
        return true;
    }

    @Override
    public Optional<String> mend() {
        return relock();
    }

    @Override
    public Optional<String> relock() {
        return watch.loss().isEmpty() ? Optional.empty() : Optional.of(watch.loss());
    }

    @Override
    public List<String> notices() {
        return watch.notices();
    }

    @Override
    public List<String> unprotected() {
        List<String> unprotected = new ArrayList<>();
        unprotected.add("lock: others can write to, cut and remove the file");
        missing.forEach(each -> unprotected.add("lock: " + each));
        if (!watch.blindness().isEmpty()) {
            unprotected.add("notice: that others write to the file isn't seen: " + watch.blindness());
        }
        return unprotected;
    }

    @Override
    public Optional<String> release(AttachListener listener) throws IOException {
        if (writable) {
            listener.step(LockStep.FLUSH);
            Libc.check(FileCalls.fsync(fd), "fsync", file.path());
        }
        watch.look();
        List<String> complaints = watch.damage();
        if (!watch.loss().isEmpty()) {
            complaints.add(0, watch.loss());
        }
        letGo();
        file.close();
        return complaints.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", complaints));
    }

    /** Gives the claim up without a look back; the file stays pinned. */
    void letGo() {
        watch.end();
        QemuLocks.giveUp(fd);
        Claim.end(fd);
    }

    @Override
    public long breakNanos() {
        return Long.MAX_VALUE;
    }

    /** The image, for its I/O. */
    int fd() {
        return fd;
    }

    @Override
    public int[] descriptors() {
        return new int[] {fd};
    }
}
