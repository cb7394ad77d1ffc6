package org.vnd.sys.abi;

/** struct fuse_dirent: a name in a directory; the next one begins at a multiple of 8. include/uapi/linux/fuse.h. */
public final class FuseDirent {
    public static final int SIZE_BYTES = 24;
    public static final int INO_OFFSET = 0;
    public static final int OFF_OFFSET = 8;
    public static final int NAMELEN_OFFSET = 16;
    public static final int TYPE_OFFSET = 20;
    public static final int NAME_OFFSET = 24;

    private FuseDirent() {}
}
