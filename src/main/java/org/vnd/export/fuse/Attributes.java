package org.vnd.export.fuse;

import org.vnd.block.BlockDevice;
import org.vnd.sys.Errno;
import org.vnd.sys.abi.Fuse;
import org.vnd.sys.abi.FuseAttr;
import org.vnd.sys.abi.FuseDirent;
import org.vnd.sys.abi.FuseSetattrIn;
import org.vnd.sys.abi.FuseStatfsOut;

/** The two files there are, as stat(2), statfs(2) and readdir(3) show them. */
final class Attributes {
    /** The inode of the disk's file. */
    static final long DISK_NODE = 2;

    /** Nothing ever changes: the kernel may keep what it was told for a day. */
    static final long VALID_SECONDS = 86_400;

    /** Its name. */
    static final byte[] DISK_NAME = {'d', 'i', 's', 'k'};

    // include/uapi/linux/stat.h
    private static final int S_IFDIR = 0040000;
    private static final int S_IFREG = 0100000;

    /** stat(2): st_blocks counts in this unit whatever the block size. */
    private static final int STAT_BLOCK_BYTES = 512;

    private static final byte[][] NAMES = {{'.'}, {'.', '.'}, DISK_NAME};
    private static final long[] NODES = {Fuse.FUSE_ROOT_ID, Fuse.FUSE_ROOT_ID, DISK_NODE};

    private final BlockDevice device;
    private final int userId;
    private final int groupId;
    private final long createdSeconds = System.currentTimeMillis() / 1000;

    /** Of files that belong to {@code userId} and {@code groupId}. */
    Attributes(BlockDevice device, int userId, int groupId) {
        this.device = device;
        this.userId = userId;
        this.groupId = groupId;
    }

    static boolean exists(long node) {
        return node == Fuse.FUSE_ROOT_ID || node == DISK_NODE;
    }

    private int mode(long node) {
        if (node == Fuse.FUSE_ROOT_ID) {
            return S_IFDIR | 0555;
        }
        return S_IFREG | (device.readOnly() ? 0400 : 0600);
    }

    /** Writes a struct fuse_attr; the memory is zero. */
    void put(Reply reply, int at, long node) {
        long size = node == DISK_NODE ? device.sizeBytes() : 0;
        reply.putLong(at + FuseAttr.INO_OFFSET, node)
                .putLong(at + FuseAttr.SIZE_OFFSET, size)
                .putLong(at + FuseAttr.BLOCKS_OFFSET, (size + STAT_BLOCK_BYTES - 1) / STAT_BLOCK_BYTES)
                .putLong(at + FuseAttr.MTIME_OFFSET, createdSeconds)
                .putInt(at + FuseAttr.MODE_OFFSET, mode(node))
                .putInt(at + FuseAttr.NLINK_OFFSET, node == DISK_NODE ? 1 : 2)
                .putInt(at + FuseAttr.UID_OFFSET, userId)
                .putInt(at + FuseAttr.GID_OFFSET, groupId)
                .putInt(at + FuseAttr.BLKSIZE_OFFSET, device.blockSizeBytes());
    }

    /**
     * 0 if a SETATTR changes nothing that is kept, or an error number. Times aren't kept: they come with many a call that
     * means something else.
     */
    int judgeChange(Request request, long node) {
        if (device.readOnly()) {
            return Errno.EROFS;
        }
        int valid = request.intAt(FuseSetattrIn.VALID_OFFSET);
        long size = node == DISK_NODE ? device.sizeBytes() : 0;
        boolean same = ((valid & Fuse.FATTR_SIZE) == 0 || request.longAt(FuseSetattrIn.SIZE_OFFSET) == size)
                && ((valid & Fuse.FATTR_MODE) == 0
                        || (request.intAt(FuseSetattrIn.MODE_OFFSET) & 07777) == (mode(node) & 07777))
                && ((valid & Fuse.FATTR_UID) == 0 || request.intAt(FuseSetattrIn.UID_OFFSET) == userId)
                && ((valid & Fuse.FATTR_GID) == 0 || request.intAt(FuseSetattrIn.GID_OFFSET) == groupId);
        return same ? 0 : Errno.EPERM;
    }

    /** Writes a struct fuse_kstatfs: one file that takes all there is. */
    void putFileSystem(Reply reply) {
        int blockBytes = device.blockSizeBytes();
        reply.putLong(FuseStatfsOut.BLOCKS_OFFSET, device.sizeBytes() / blockBytes)
                .putLong(FuseStatfsOut.FILES_OFFSET, 1)
                .putInt(FuseStatfsOut.BSIZE_OFFSET, blockBytes)
                .putInt(FuseStatfsOut.FRSIZE_OFFSET, blockBytes)
                .putInt(FuseStatfsOut.NAMELEN_OFFSET, 255);
    }

    /** Writes the folder's entries from the one numbered {@code first} on, as many as {@code limitBytes} hold; their bytes. */
    static int putNames(Reply reply, long first, int limitBytes) {
        int at = 0;
        for (int number = (int) Math.min(first, NAMES.length); number < NAMES.length; number++) {
            byte[] name = NAMES[number];
            int length = FuseDirent.NAME_OFFSET + name.length + 7 & ~7;
            if (at + length > limitBytes) {
                break;
            }
            boolean disk = NODES[number] == DISK_NODE;
            reply.putLong(at + FuseDirent.INO_OFFSET, NODES[number])
                    .putLong(at + FuseDirent.OFF_OFFSET, number + 1)
                    .putInt(at + FuseDirent.NAMELEN_OFFSET, name.length)
                    // readdir(3)'s d_type: the file type's bits of the mode.
                    .putInt(at + FuseDirent.TYPE_OFFSET, (disk ? S_IFREG : S_IFDIR) >> 12);
            for (int n = 0; n < name.length; n++) {
                reply.putByte(at + FuseDirent.NAME_OFFSET + n, name[n]);
            }
            at += length;
        }
        return at;
    }
}
