package org.vnd.image;

import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.proc.SmallFile;
import org.vnd.sys.abi.FileFlags;
import org.vnd.sys.abi.FsXattr;
import org.vnd.sys.abi.Statfs;
import org.vnd.sys.abi.Statx;

/**
 * Whether a file's blocks may be written behind its file system, as far as can be told before its map is read; the map's
 * own checks are {@link ExtentRules} and {@link PhysicalMap}. What is not known to be sound is refused.
 */
final class Eligibility {
    private Eligibility() {}

    /** Throws with the reason if {@code facts} speak against it. */
    static void check(FileFacts facts, @Nullable Mount mount) throws NotPhysicalException {
        checkFileSystem(facts, mount);
        checkFlags(facts);
        checkSizes(facts);
        String lease = Lease.problem();
        if (!lease.isEmpty()) {
            throw new NotPhysicalException(lease);
        }
    }

    private static void checkFileSystem(FileFacts facts, @Nullable Mount mount) throws NotPhysicalException {
        switch (facts.fileSystemType()) {
            case Statfs.EXT4_SUPER_MAGIC, Statfs.XFS_SUPER_MAGIC -> {}
            case Statfs.BTRFS_SUPER_MAGIC ->
                throw new NotPhysicalException("btrfs moves blocks (copy on write, balance, defragmentation)");
            case Statfs.OVERLAYFS_SUPER_MAGIC ->
                throw new NotPhysicalException("overlayfs has no blocks of its own, the file system under it has");
            case Statfs.TMPFS_MAGIC -> throw new NotPhysicalException("tmpfs is memory, it has no blocks");
            default ->
                throw new NotPhysicalException("only ext4 and xfs are known to keep blocks in place, this is "
                        + (mount == null
                                ? "type 0x" + Integer.toHexString(facts.fileSystemType())
                                : mount.fileSystem()));
        }
        if (facts.deviceMajor() == 0) {
            throw new NotPhysicalException("its file system has no block device of its own");
        }
        if (mount == null) {
            throw new NotPhysicalException("its mount isn't in /proc/self/mountinfo, so its options aren't known");
        }
        if (mount.hasOption("ro")) {
            throw new NotPhysicalException("its file system is mounted read-only, so it can't be locked");
        }
        if (mount.hasOption("data=journal")) {
            throw journaled();
        }
    }

    private static NotPhysicalException journaled() {
        return new NotPhysicalException(
                "ext4 journals its data (data=journal or chattr +j), and a replay would put old data back");
    }

    /** ext4 keeps options that are the default of this file system out of mountinfo; this file has all. */
    static void checkJournal(FileFacts facts, HostDevice device) throws NotPhysicalException {
        checkJournal(facts, device.name().substring("/dev/".length()));
    }

    /** The same for the device that the kernel calls {@code name}, such as "sda1". */
    static void checkJournal(FileFacts facts, String name) throws NotPhysicalException {
        if (facts.fileSystemType() != Statfs.EXT4_SUPER_MAGIC) {
            return;
        }
        String options = SmallFile.read("/proc/fs/ext4/" + name.replace('/', '!') + "/options");
        if (options != null && ("\n" + options + "\n").contains("\ndata=journal\n")) {
            throw journaled();
        }
    }

    /** Flags of the file alone, which may change while it is attached. */
    static void checkFlags(FileFacts facts) throws NotPhysicalException {
        if (facts.hasFlag(FileFlags.FS_ENCRYPT_FL) || facts.hasAttribute(Statx.ATTRIBUTE_ENCRYPTED)) {
            throw new NotPhysicalException("it is encrypted by its file system");
        }
        if (facts.hasFlag(FileFlags.FS_VERITY_FL) || facts.hasAttribute(Statx.ATTRIBUTE_VERITY)) {
            throw new NotPhysicalException("it is protected by fs-verity");
        }
        if (facts.hasFlag(FileFlags.FS_INLINE_DATA_FL)) {
            throw new NotPhysicalException("its data is inside its inode (inline_data)");
        }
        if (facts.hasFlag(FileFlags.FS_JOURNAL_DATA_FL)) {
            throw journaled();
        }
        if (facts.hasFlag(FileFlags.FS_DAX_FL) || facts.hasAttribute(Statx.ATTRIBUTE_DAX)) {
            throw new NotPhysicalException("it is mapped from persistent memory (DAX)");
        }
        if ((facts.extendedFlags() & FsXattr.FS_XFLAG_REALTIME) != 0) {
            throw new NotPhysicalException("it is on the realtime device of xfs");
        }
    }

    private static void checkSizes(FileFacts facts) throws NotPhysicalException {
        if (facts.blockBytes() < AlignedBuffer.PAGE_BYTES) {
            // Then a page of the device's cache may hold a block of the image and one of the file system, and direct
            // writes that meet such a page go through the cache.
            throw new NotPhysicalException("its file system has blocks of " + facts.blockBytes()
                    + " bytes, less than a page of " + AlignedBuffer.PAGE_BYTES);
        }
        if (facts.sizeBytes() % facts.blockBytes() != 0) {
            throw new NotPhysicalException("its size, " + facts.sizeBytes() + " bytes, is no multiple of the block of "
                    + facts.blockBytes() + " bytes");
        }
    }

    static void checkDevice(FileFacts facts, HostDevice device) throws NotPhysicalException {
        if (facts.blockBytes() % device.blockBytes() != 0) {
            throw new NotPhysicalException(
                    device.name() + " has blocks of " + device.blockBytes() + " bytes, larger than its file system's");
        }
    }
}
