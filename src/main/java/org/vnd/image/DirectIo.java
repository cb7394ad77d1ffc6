package org.vnd.image;

import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.abi.FileFlags;
import org.vnd.sys.abi.Statfs;

/** What O_DIRECT asks for on a file, and where a file system takes it and doesn't do it. */
final class DirectIo {
    private static final int SMALLEST_BLOCK_BYTES = 512;

    private DirectIo() {}

    /** The multiple that offset and length have to be. */
    static int blockBytes(FileFacts facts, String path) throws ImageException {
        int align = facts.directAlignBytes();
        if (align > 0) {
            return Math.max(SMALLEST_BLOCK_BYTES, align);
        }
        if (align == 0) {
            throw new ImageException(
                    path,
                    "its file system has no O_DIRECT for it (journalled, inline or encrypted data), and the host's page"
                            + " cache is what vnd never uses");
        }
        // Less may work, and then may go through the page cache, as on btrfs.
        return AlignedBuffer.PAGE_BYTES;
    }

    /**
     * What the user has to know of it, or an empty string. btrfs-man5(5), CHECKSUMMING: since Linux 6.14 a direct write to
     * a file with checksums is made a buffered one, because its buffer could change while the sum is computed.
     */
    static String exception(FileFacts facts, String kernelRelease) {
        boolean buffered = facts.fileSystemType() == Statfs.BTRFS_SUPER_MAGIC
                && !facts.hasFlag(FileFlags.FS_NOCOW_FL)
                && isAtLeast(kernelRelease, 6, 14);
        return buffered
                ? "btrfs makes checksums of it, and so writes by way of the page cache (chattr +C a new file)"
                : "";
    }

    /** Of a release such as {@code 6.12.48+deb13-amd64}; what can't be read is taken to be new. */
    static boolean isAtLeast(String release, int major, int minor) {
        String[] numbers = release.split("[^0-9]", 3);
        try {
            int thisMajor = Integer.parseInt(numbers[0]);
            return thisMajor > major || (thisMajor == major && Integer.parseInt(numbers[1]) >= minor);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return true;
        }
    }
}
