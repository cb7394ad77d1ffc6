package org.vnd.sys.abi;

/** Versions and flags of FUSE, include/uapi/linux/fuse.h. */
public final class Fuse {
    public static final int FUSE_KERNEL_VERSION = 7;
    public static final int FUSE_ROOT_ID = 1;
    /** The least memory that a read of /dev/fuse must offer. */
    public static final int FUSE_MIN_READ_BUFFER = 8192;

    // INIT: what is used.
    public static final int FUSE_ASYNC_READ = 1 << 0;
    public static final int FUSE_BIG_WRITES = 1 << 5;
    public static final int FUSE_ASYNC_DIO = 1 << 15;
    public static final int FUSE_PARALLEL_DIROPS = 1 << 18;
    public static final int FUSE_MAX_PAGES = 1 << 22;
    public static final int FUSE_INIT_EXT = 1 << 30;
    /** Of flags2, the upper half of all: since 7.42. */
    public static final int FUSE_OVER_IO_URING_HIGH = 1 << (41 - 32);
    /** Since 7.43. */
    public static final int FUSE_REQUEST_TIMEOUT_HIGH = 1 << (42 - 32);

    // OPEN: how the file is used.
    public static final int FOPEN_DIRECT_IO = 1 << 0;
    public static final int FOPEN_NOFLUSH = 1 << 5;
    /** FUSE 7.38, Linux 6.2; older kernels don't look at it. */
    public static final int FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6;

    // SETATTR: what is to change.
    public static final int FATTR_MODE = 1 << 0;
    public static final int FATTR_UID = 1 << 1;
    public static final int FATTR_GID = 1 << 2;
    public static final int FATTR_SIZE = 1 << 3;

    private Fuse() {}
}
