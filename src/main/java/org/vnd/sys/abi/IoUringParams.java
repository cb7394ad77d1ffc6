package org.vnd.sys.abi;

/** struct io_uring_params with its two offset tables, include/uapi/linux/io_uring.h. All fields used are 32 bits. */
public final class IoUringParams {
    public static final int SIZE_BYTES = 120;
    public static final int SQ_ENTRIES_OFFSET = 0;
    public static final int CQ_ENTRIES_OFFSET = 4;
    public static final int FLAGS_OFFSET = 8;
    public static final int FEATURES_OFFSET = 20;
    public static final int SQ_OFF_HEAD_OFFSET = 40;
    public static final int SQ_OFF_TAIL_OFFSET = 44;
    public static final int SQ_OFF_RING_MASK_OFFSET = 48;
    public static final int SQ_OFF_FLAGS_OFFSET = 56;
    public static final int SQ_OFF_ARRAY_OFFSET = 64;
    public static final int CQ_OFF_HEAD_OFFSET = 80;
    public static final int CQ_OFF_TAIL_OFFSET = 84;
    public static final int CQ_OFF_RING_MASK_OFFSET = 88;
    public static final int CQ_OFF_CQES_OFFSET = 100;

    private IoUringParams() {}
}
