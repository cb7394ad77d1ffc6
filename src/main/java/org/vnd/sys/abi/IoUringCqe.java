package org.vnd.sys.abi;

/** A completion queue entry, struct io_uring_cqe of include/uapi/linux/io_uring.h. */
public final class IoUringCqe {
    public static final int SIZE_BYTES = 16;
    public static final int USER_DATA_OFFSET = 0;
    public static final int RES_OFFSET = 8;
    public static final int FLAGS_OFFSET = 12;

    private IoUringCqe() {}
}
