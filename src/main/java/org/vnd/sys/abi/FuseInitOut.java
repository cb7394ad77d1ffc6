package org.vnd.sys.abi;

/** struct fuse_init_out: our version, what of it is used, and our limits; since 7.23. include/uapi/linux/fuse.h. */
public final class FuseInitOut {
    public static final int SIZE_BYTES = 64;
    public static final int MAJOR_OFFSET = 0;
    public static final int MINOR_OFFSET = 4;
    public static final int MAX_READAHEAD_OFFSET = 8;
    public static final int FLAGS_OFFSET = 12;
    public static final int MAX_BACKGROUND_OFFSET = 16;
    public static final int CONGESTION_THRESHOLD_OFFSET = 18;
    public static final int MAX_WRITE_OFFSET = 20;
    public static final int TIME_GRAN_OFFSET = 24;
    public static final int MAX_PAGES_OFFSET = 28;
    public static final int FLAGS2_OFFSET = 32;
    /** In seconds; since 7.43. */
    public static final int REQUEST_TIMEOUT_OFFSET = 40;

    private FuseInitOut() {}
}
