package org.vnd.lab;

import java.util.List;

/** The file systems the lab can make. */
public enum FileSystemKind {
    EXT4("ext4", List.of("mkfs.ext4", "-q", "-F", "-b", "4096"), 64),
    XFS("xfs", List.of("mkfs.xfs", "-q", "-f", "-m", "reflink=1"), 300),
    XFS_NO_REFLINK("xfs", List.of("mkfs.xfs", "-q", "-f", "-m", "reflink=0"), 300),
    BTRFS("btrfs", List.of("mkfs.btrfs", "-q", "-f"), 256),
    /** ext4 below; see {@link ScratchFileSystem#root}. */
    OVERLAY("overlay", List.of("mkfs.ext4", "-q", "-F", "-b", "4096"), 64),
    TMPFS("tmpfs", List.of(), 1);

    final String type;
    final List<String> maker;
    /** Below this, mkfs refuses. */
    final int minimumMebibytes;

    FileSystemKind(String type, List<String> maker, int minimumMebibytes) {
        this.type = type;
        this.maker = maker;
        this.minimumMebibytes = minimumMebibytes;
    }

    /** Whether it lies on a loop device of its own. */
    public boolean hasDevice() {
        return this != TMPFS;
    }
}
