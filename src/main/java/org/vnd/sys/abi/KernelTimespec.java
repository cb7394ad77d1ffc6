package org.vnd.sys.abi;

/** struct __kernel_timespec, include/uapi/linux/time_types.h: two 64-bit words. */
public final class KernelTimespec {
    public static final int SIZE_BYTES = 16;
    public static final int TV_SEC_OFFSET = 0;
    public static final int TV_NSEC_OFFSET = 8;

    private KernelTimespec() {}
}
