package org.vnd.export.nbd.wire;

/** How a request failed; proto.md, "Error values". 0 is success. */
public final class ErrorValue {
    public static final int NONE = 0;
    /** NBD_EPERM */
    public static final int NOT_PERMITTED = 1;
    /** NBD_EIO */
    public static final int IO = 5;
    /** NBD_EINVAL */
    public static final int INVALID = 22;
    /** NBD_ENOSPC */
    public static final int NO_SPACE = 28;
    /** NBD_EOVERFLOW */
    public static final int OVERFLOW = 75;
    /** NBD_ENOTSUP */
    public static final int NOT_SUPPORTED = 95;
    /** NBD_ESHUTDOWN */
    public static final int SHUTDOWN = 108;

    private ErrorValue() {}
}
