package org.vnd.sys.abi;

/** struct iovec, include/uapi/linux/uio.h: an address and a length, 64 bits each. */
public final class IoVector {
    public static final int SIZE_BYTES = 16;
    public static final int IOV_BASE_OFFSET = 0;
    public static final int IOV_LEN_OFFSET = 8;

    private IoVector() {}
}
