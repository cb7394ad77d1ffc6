package org.vnd.image;

import java.io.IOException;
import java.util.Optional;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.Statfs;

/**
 * What the file engine needs: the file open with O_DIRECT, claimed against other vnds and QEMU's programs, and the proof that
 * at the time of attach nobody else had it open. The layout may change; the file system looks each place up anew.
 */
final class FileLock implements ImageLock {
    private final BackingFile file;
    private final int fd;
    private final boolean writable;
    private final int blockBytes;

    private FileLock(BackingFile file, int fd, boolean writable, int blockBytes) {
        this.file = file;
        this.fd = fd;
        this.writable = writable;
        this.blockBytes = blockBytes;
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
        try {
            proveAlone(file, fd, writable, listener);
            QemuLocks.take(file, fd, writable, listener);
            // Also takes O_NONBLOCK away, which io_uring would obey.
            Libc.check(FileCalls.fcntl(fd, FileCalls.F_SETFL, FileCalls.O_DIRECT), "set O_DIRECT on", file.path());
            FileFacts facts = FileFacts.read(fd, file.path());
            emptyPageCache(file, fd, facts, listener);
            return new FileLock(file, fd, writable, DirectIo.blockBytes(facts, file.path()));
        } catch (IOException | RuntimeException | Error e) {
            Claim.end(fd);
            throw e;
        }
    }

    /** A writer must be the only one; a reader puts up with readers. The lease is given back: it would bar them. */
    private static void proveAlone(BackingFile file, int fd, boolean writable, AttachListener listener)
            throws IOException {
        int result = Lease.take(fd, writable ? FileCalls.F_WRLCK : FileCalls.F_RDLCK);
        if (result == -Errno.EAGAIN) {
            throw new ImageException(file.path(), "in use: " + Holders.describe(file, fd));
        }
        if (result < 0) {
            listener.note(file.path() + ": it can't be told whether others have it open (lease: "
                    + Errno.message(-result) + ")");
            return;
        }
        Lease.giveUp(fd);
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

    /** Always: nothing of what can happen to the file makes I/O through it unsound. */
    @Override
    public boolean verify() {
        return true;
    }

    @Override
    public Optional<String> mend() {
        return Optional.empty();
    }

    @Override
    public Optional<String> relock() {
        return Optional.empty();
    }

    @Override
    public Optional<String> release(AttachListener listener) throws IOException {
        if (writable) {
            listener.step(LockStep.FLUSH);
            Libc.check(FileCalls.fsync(fd), "fsync", file.path());
        }
        QemuLocks.giveUp(fd);
        Claim.end(fd);
        file.close();
        return Optional.empty();
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
