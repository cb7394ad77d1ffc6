package org.vnd.sys.abi;

/** struct fuse_setattr_in: which attributes to change, and to what. include/uapi/linux/fuse.h. */
public final class FuseSetattrIn {
    public static final int SIZE_BYTES = 88;
    public static final int VALID_OFFSET = 0;
    public static final int SIZE_OFFSET = 16;
    public static final int MODE_OFFSET = 68;
    public static final int UID_OFFSET = 76;
    public static final int GID_OFFSET = 80;

    private FuseSetattrIn() {}
}
