package org.vnd.image;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statfs;
import org.vnd.sys.abi.Statx;
import org.vnd.sys.abi.XfsSwapExtents;

/**
 * Gives an existing file that has no storage at all a piece of it: a second file without a name finds that,
 * {@link OnePiece}, and hands it over. So the file stays what it is, with its inode, owner and all its names, and at any time
 * reads as the zeros that it was; after a crash it has all of the storage, a part, or none.
 *
 * <p>A lease may run out at any moment, also between a look at it and the next call. What somebody writes then is safe: the
 * kernel itself hands over no blocks of a file that isn't as it was (XFS), or takes along what is in it (ext4).
 */
final class OnePieceStorage {
    /** XFS counts an extent's blocks in 21 bits: fs/xfs/libxfs/xfs_format.h, XFS_MAX_BMBT_EXTLEN. */
    private static final long XFS_EXTENT_BLOCKS_MAX = (1 << 21) - 1;

    /** A complaint becomes a note, whose beginning says it all. */
    private static final String NO_OPTION = "";

    private final int fd;
    private final String path;
    private final FileFacts facts;
    private final AttachListener listener;

    /** For {@code fd}, open for writing; the listener throws when anybody else opens it. */
    OnePieceStorage(int fd, String path, FileFacts facts, AttachListener listener) {
        this.fd = fd;
        this.path = path;
        this.facts = facts;
        this.listener = listener;
    }

    /** Whether the file system is one where a piece can be handed over, and is of use. */
    static boolean possibleOn(FileFacts facts) {
        return facts.fileSystemType() == Statfs.EXT4_SUPER_MAGIC || facts.fileSystemType() == Statfs.XFS_SUPER_MAGIC;
    }

    /**
     * Does it. The file is as before until there is such a piece.
     *
     * @throws ImageException there is no such piece, or it can't be handed over
     * @throws SysException the same
     * @throws IOException what the listener threw
     */
    void give() throws IOException {
        try (UnnamedFile spare = UnnamedFile.beside(path, folder())) {
            FileFacts spares = FileFacts.read(spare.fd(), path);
            if (spares.deviceMajor() != facts.deviceMajor() || spares.deviceMinor() != facts.deviceMinor()) {
                throw new ImageException(path, "its folder is on another file system");
            }
            reserve(spare.fd(), 0, 0, facts.sizeBytes());
            new OnePiece(spare, facts.sizeBytes(), facts.blockBytes(), NO_OPTION, listener).make();
            if (facts.fileSystemType() == Statfs.EXT4_SUPER_MAGIC) {
                new BlockExchange(spare, facts.blockBytes(), NO_OPTION).give(fd, facts.sizeBytes(), listener);
            } else {
                swap(spare.fd());
            }
        }
    }

    /** Where the file has a name: not by the path it was given by, which may be a symbolic link from elsewhere. */
    private String folder() throws IOException {
        Path folder = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).getParent();
        return folder == null ? "/" : folder.toString();
    }

    private void reserve(int target, int mode, long offset, long length) throws SysException, ImageException {
        int result = FileCalls.fallocate(target, mode, offset, length);
        if (result == -Errno.ENOSPC || result == -Errno.EDQUOT) {
            throw new ImageException(path, "there isn't the space to look for one: " + Errno.message(-result));
        }
        if (result == -Errno.EFBIG) {
            throw new ImageException(path, FileSizeLimit.reason(offset + length));
        }
        Libc.check(result, "fallocate", path);
    }

    /**
     * XFS: all extents of the two for each other. The file must have at least as many of them, or it refuses; and it refuses
     * unless the file's times are those that it is told. Who opens it after the look at the lease writes later than that.
     */
    private void swap(int spare) throws IOException {
        long blocks = facts.sizeBytes() / facts.blockBytes();
        long extents = Math.min(blocks, blocks / XFS_EXTENT_BLOCKS_MAX + 2);
        for (long extent = 0; extent < extents; extent++) {
            reserve(
                    fd,
                    FileCalls.FALLOC_FL_KEEP_SIZE,
                    blocks / extents * extent * facts.blockBytes(),
                    facts.blockBytes());
        }
        ByteBuffer status = FileFacts.statx(fd, path);
        listener.progress(0, facts.sizeBytes(), "putting it into one piece");
        ByteBuffer swap = Libc.struct(XfsSwapExtents.SIZE_BYTES)
                .putLong(XfsSwapExtents.TARGET_FD_OFFSET, fd)
                .putLong(XfsSwapExtents.OTHER_FD_OFFSET, spare)
                .putLong(XfsSwapExtents.LENGTH_OFFSET, facts.sizeBytes());
        copyTime(status, Statx.MTIME_OFFSET, swap, XfsSwapExtents.MTIME_OFFSET);
        copyTime(status, Statx.CTIME_OFFSET, swap, XfsSwapExtents.CTIME_OFFSET);
        int result = FileCalls.ioctl(fd, XfsSwapExtents.XFS_IOC_SWAPEXT, Libc.address(swap));
        Reference.reachabilityFence(swap);
        Libc.check(result, "exchange extents of", path);
    }

    private static void copyTime(ByteBuffer from, int fromIndex, ByteBuffer to, int toIndex) {
        to.putLong(toIndex, from.getLong(fromIndex));
        to.putInt(toIndex + Long.BYTES, from.getInt(fromIndex + Long.BYTES));
    }
}
