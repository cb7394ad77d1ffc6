package org.vnd.sys.abi;

/** struct cachestat_range, include/uapi/linux/mman.h, Linux 6.5. Length 0 is: to the end. */
public final class CachestatRange {
    public static final int SIZE_BYTES = 16;
    public static final int OFF_OFFSET = 0;
    public static final int LEN_OFFSET = 8;

    private CachestatRange() {}
}
