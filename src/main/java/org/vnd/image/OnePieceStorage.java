package org.vnd.image;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statfs;
import org.vnd.sys.abi.Statx;
import org.vnd.sys.abi.XfsSwapExtents;

/**
 * Gives an existing file, to which nothing was ever written, storage in one piece: a second file without a name finds that,
 * {@link OnePiece}, and hands it over. So the file stays what it is, with its inode, owner and all its names, and at any time
 * reads as the zeros that it was; after a crash it has all of the storage, a part, or none.
 */
final class OnePieceStorage {
    private static final String OPTION = "--allocate";

    /** XFS counts an extent's blocks in 21 bits: fs/xfs/libxfs/xfs_format.h, XFS_MAX_BMBT_EXTLEN. */
    private static final long XFS_EXTENT_BLOCKS_MAX = (1 << 21) - 1;

    private final int fd;
    private final String path;
    private final FileFacts facts;
    private final AttachListener listener;

    /** For {@code fd}, open for writing, which nobody else has open or will have. */
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
     * Does it. The file has no storage while the piece is looked for, which may be where its own was.
     *
     * @throws ImageException there is no such piece, or it can't be handed over
     * @throws SysException the same
     * @throws IOException what the listener threw
     */
    void give() throws IOException {
        try (UnnamedFile spare = UnnamedFile.beside(path, folder())) {
            FileFacts spares = FileFacts.read(spare.fd(), path);
            if (spares.deviceMajor() != facts.deviceMajor() || spares.deviceMinor() != facts.deviceMinor()) {
                throw new ImageException(path, OPTION + ": its folder is on another file system");
            }
            int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
            Libc.check(FileCalls.fallocate(fd, mode, 0, facts.sizeBytes()), "punch a hole into", path);
            // What the journal doesn't know to be free isn't lent out again.
            Libc.check(FileCalls.fsync(fd), "fsync", path);
            reserve(spare.fd(), 0, facts.sizeBytes());
            new OnePiece(spare, facts.sizeBytes(), facts.blockBytes(), OPTION, listener).make();
            if (facts.fileSystemType() == Statfs.EXT4_SUPER_MAGIC) {
                new BlockExchange(spare, facts.blockBytes(), OPTION).give(fd, facts.sizeBytes(), listener);
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

    private void reserve(int target, long offset, long length) throws SysException {
        Libc.check(FileCalls.fallocate(target, 0, offset, length), "fallocate", path);
    }

    /** XFS: all extents of the two for each other. The file must have at least as many of them, or it refuses. */
    private void swap(int spare) throws SysException {
        long blocks = facts.sizeBytes() / facts.blockBytes();
        long extents = Math.min(blocks, blocks / XFS_EXTENT_BLOCKS_MAX + 2);
        for (long extent = 0; extent < extents; extent++) {
            reserve(fd, blocks / extents * extent * facts.blockBytes(), facts.blockBytes());
        }
        ByteBuffer status = FileFacts.statx(fd, path);
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
