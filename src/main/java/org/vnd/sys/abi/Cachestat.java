package org.vnd.sys.abi;

/** struct cachestat, include/uapi/linux/mman.h, Linux 6.5: how many pages of a file are in the page cache. */
public final class Cachestat {
    public static final int SIZE_BYTES = 40;
    public static final int NR_CACHE_OFFSET = 0;
    public static final int NR_DIRTY_OFFSET = 8;
    public static final int NR_WRITEBACK_OFFSET = 16;

    private Cachestat() {}
}
