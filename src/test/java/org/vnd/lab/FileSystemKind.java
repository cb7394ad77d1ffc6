package org.vnd.lab;

import java.util.List;

/** The file systems the lab can make. */
public enum FileSystemKind {
    EXT4("ext4", 64),
    XFS("xfs", 300),
    XFS_NO_REFLINK("xfs", 300),
    BTRFS("btrfs", 256),
    /** ext4 below; see {@link ScratchFileSystem#root}. */
    OVERLAY("overlay", 64),
    TMPFS("tmpfs", 1);

    final String type;
    /** Below this, mkfs refuses. */
    final int minimumMebibytes;

    FileSystemKind(String type, int minimumMebibytes) {
        this.type = type;
        this.minimumMebibytes = minimumMebibytes;
    }

    /** Whether it lies on a loop device of its own. */
    public boolean hasDevice() {
        return this != TMPFS;
    }

    /** The words that make it, but for the device. */
    List<String> maker() {
        return switch (this) {
            case EXT4, OVERLAY -> List.of("mkfs.ext4", "-q", "-F", "-b", "4096");
            case XFS -> List.of("mkfs.xfs", "-q", "-f", "-m", "reflink=1");
            case XFS_NO_REFLINK -> List.of("mkfs.xfs", "-q", "-f", "-m", "reflink=0");
            case BTRFS -> List.of("mkfs.btrfs", "-q", "-f");
            case TMPFS -> throw new IllegalStateException("tmpfs is made by mounting it");
        };
    }
}
