package org.vnd.sys.abi;

/** struct flock of 64-bit programs, include/uapi/asm-generic/fcntl.h: a lock on a range of a file, for fcntl(2). */
public final class RangeLock {
    public static final int SIZE_BYTES = 32;
    public static final int TYPE_OFFSET = 0;
    public static final int WHENCE_OFFSET = 2;
    public static final int START_OFFSET = 8;
    public static final int LENGTH_OFFSET = 16;
    /** 0 when asked by F_OFD_*, whose locks belong to an open file and to no process. */
    public static final int PID_OFFSET = 24;

    public static final int F_OFD_GETLK = 36;
    public static final int F_OFD_SETLK = 37;

    private RangeLock() {}
}
