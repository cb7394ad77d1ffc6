package org.vnd.image;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.ExtentMap;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FileFlags;
import org.vnd.sys.abi.Statfs;

/**
 * Makes an image that is fit for every engine and export its file system allows: all of it allocated, in as few pieces as
 * the file system gives, and written, so that nothing is left to be converted. It has its name when all of that is done
 * and on stable storage, and not before.
 */
public final class NewImage {
    private static final int SECTOR_BYTES = 512;

    private final UnnamedFile file;
    private final long sizeBytes;
    private final AttachListener listener;

    private NewImage(UnnamedFile file, long sizeBytes, AttachListener listener) {
        this.file = file;
        this.sizeBytes = sizeBytes;
        this.listener = listener;
    }

    /**
     * Makes {@code path} of {@code sizeBytes} zeros.
     *
     * @param contiguous whether it is to be in one piece or not at all
     * @return what became of it, for the user: "10 GiB in 1 extent"
     * @throws ImageException it can't be made; nothing is left
     * @throws IOException what the listener threw, or the system where nobody expects it; the same
     */
    public static String create(String path, long sizeBytes, boolean contiguous, AttachListener listener)
            throws IOException {
        if (sizeBytes <= 0 || sizeBytes % SECTOR_BYTES != 0) {
            throw new ImageException(
                    path,
                    "a disk is whole sectors of 512 bytes, at least one; " + sizeBytes + " bytes is no such size");
        }
        try (UnnamedFile file = new UnnamedFile(path)) {
            return new NewImage(file, sizeBytes, listener).make(contiguous);
        }
    }

    private String make(boolean contiguous) throws IOException {
        String path = file.path();
        boolean overwritten = switchOffCopyOnWrite();
        long blockBytes = FileFacts.read(file.fd(), path).blockBytes();
        // O_DIRECT writes whole blocks; what is too much is cut off in the end.
        long wholeBytes = (sizeBytes + blockBytes - 1) / blockBytes * blockBytes;
        reserve(wholeBytes);
        if (contiguous) {
            new OnePiece(file, wholeBytes, blockBytes, OnePiece.CONTIGUOUS, listener).make();
        }
        fill(wholeBytes);
        if (wholeBytes != sizeBytes) {
            Libc.check(FileCalls.ftruncate(file.fd(), sizeBytes), "truncate", path);
            Libc.check(FileCalls.fsync(file.fd()), "fsync", path);
        }
        // A cut block, and all of it where O_DIRECT isn't what it says.
        FileCalls.fadvise(file.fd(), 0, 0, FileCalls.POSIX_FADV_DONTNEED);
        String description = describe(overwritten, contiguous);
        file.giveName();
        return description;
    }

    /**
     * btrfs can only of a file that is empty, and with copy on write each block that is overwritten moves and the direct
     * writes are buffered ones; see {@link DirectIo#exception}.
     *
     * @return whether it was done
     */
    private boolean switchOffCopyOnWrite() throws SysException {
        FileFacts facts = FileFacts.read(file.fd(), file.path());
        if (facts.fileSystemType() != Statfs.BTRFS_SUPER_MAGIC) {
            return false;
        }
        FileFacts.writeFlags(file.fd(), facts.flags() | FileFlags.FS_NOCOW_FL, file.path());
        return true;
    }

    /** Has the file system set aside all there will be, so that what doesn't fit is known before a byte is written. */
    private void reserve(long wholeBytes) throws IOException {
        if (wholeBytes > FreeSpace.of(file.fd(), file.path()).freeBytes()) {
            throw full();
        }
        int result = FileCalls.fallocate(file.fd(), 0, 0, wholeBytes);
        switch (-result) {
            case 0 -> {}
            // Then writing it is the way, and how one learns that it doesn't fit.
            case Errno.EOPNOTSUPP -> {}
            case Errno.ENOSPC -> throw full();
            case Errno.EDQUOT -> throw new ImageException(file.path(), "more than your disk quota allows");
            case Errno.EFBIG -> throw new ImageException(file.path(), FileSizeLimit.reason(wholeBytes));
            default -> throw new SysException("fallocate", file.path(), -result);
        }
    }

    private ImageException full() throws SysException {
        long available = FreeSpace.of(file.fd(), file.path()).availableBytes();
        return new ImageException(
                file.path(),
                ByteText.exact(sizeBytes) + " don't fit, its file system has " + ByteText.about(available) + " free");
    }

    private void fill(long wholeBytes) throws IOException {
        try (Zeros zeros = new Zeros()) {
            for (long at = 0; at < wholeBytes; ) {
                listener.progress(at, wholeBytes, "writing zeros");
                long result = zeros.write(file.fd(), at, wholeBytes);
                if (result == -Errno.ENOSPC) {
                    throw full();
                }
                at += Libc.check(result, "writing zeros to", file.path());
            }
        }
        Libc.check(FileCalls.fsync(file.fd()), "fsync", file.path());
        listener.progress(wholeBytes, wholeBytes, "writing zeros");
    }

    private String describe(boolean overwritten, boolean contiguous) throws IOException {
        try (ExtentMap map = HoleMap.read(file.fd(), file.path(), sizeBytes)) {
            if (contiguous && (map == null || map.count() != 1)) {
                throw new ImageException(file.path(), "--contiguous: its file system moved blocks of it meanwhile");
            }
            StringBuilder text = new StringBuilder(ByteText.exact(sizeBytes));
            if (map != null) {
                text.append(" in ").append(map.count()).append(map.count() == 1 ? " extent" : " extents");
            }
            if (overwritten) {
                text.append(", without copy on write (chattr +C)");
            }
            String unfit = unfit(map);
            return (unfit.isEmpty() ? text : text.append("; ").append(unfit)).toString();
        }
    }

    /** What it can't be used for and why, or an empty string. */
    private String unfit(@Nullable ExtentMap map) throws SysException {
        FileFacts facts = FileFacts.read(file.fd(), file.path());
        if (!file.direct() || facts.directAlignBytes() == 0) {
            return "vnd can't attach it, its file system has no O_DIRECT for it";
        }
        try {
            Eligibility.check(facts, Mount.of(facts));
            String device = HostDevice.nameOf(facts.deviceMajor(), facts.deviceMinor());
            if (device != null) {
                Eligibility.checkJournal(facts, device);
            }
        } catch (NotPhysicalException e) {
            return "for the file engine only: " + e.getMessage();
        }
        if (map != null && map.count() > 1) {
            return "too many for --export loop, which needs 1 (--contiguous)";
        }
        return "";
    }
}
