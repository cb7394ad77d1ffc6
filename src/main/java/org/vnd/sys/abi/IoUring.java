package org.vnd.sys.abi;

/** Constants of io_uring, include/uapi/linux/io_uring.h; the version in which Linux got one is given where it matters. */
public final class IoUring {
    // asm-generic/unistd.h
    public static final int SYS_IO_URING_SETUP = 425;
    public static final int SYS_IO_URING_ENTER = 426;
    public static final int SYS_IO_URING_REGISTER = 427;

    public static final int IORING_OFF_SQ_RING = 0;
    public static final int IORING_OFF_SQES = 0x10000000;

    public static final int IORING_SETUP_CQSIZE = 1 << 3;
    public static final int IORING_SETUP_CLAMP = 1 << 4;
    /** Linux 5.18. */
    public static final int IORING_SETUP_SUBMIT_ALL = 1 << 7;
    /** Linux 5.19. */
    public static final int IORING_SETUP_TASKRUN_FLAG = 1 << 9;
    /** Entries of 128 bytes, for commands with an argument of up to 80. Linux 5.19. */
    public static final int IORING_SETUP_SQE128 = 1 << 10;
    /** Linux 6.0. */
    public static final int IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    /** Linux 6.1. */
    public static final int IORING_SETUP_DEFER_TASKRUN = 1 << 13;

    public static final int IORING_SQ_TASKRUN = 1 << 2;

    public static final int IORING_FEAT_SINGLE_MMAP = 1 << 0;
    public static final int IORING_FEAT_NODROP = 1 << 1;

    public static final int IORING_ENTER_GETEVENTS = 1 << 0;

    public static final int IORING_REGISTER_BUFFERS = 0;
    public static final int IORING_REGISTER_FILES = 2;
    public static final int IORING_UNREGISTER_FILES = 3;

    public static final int IORING_OP_NOP = 0;
    public static final int IORING_OP_FSYNC = 3;
    public static final int IORING_OP_READ_FIXED = 4;
    public static final int IORING_OP_WRITE_FIXED = 5;
    public static final int IORING_OP_POLL_ADD = 6;
    public static final int IORING_OP_SENDMSG = 9;
    public static final int IORING_OP_TIMEOUT = 11;
    public static final int IORING_OP_ACCEPT = 13;
    public static final int IORING_OP_FALLOCATE = 17;
    public static final int IORING_OP_READ = 22;
    public static final int IORING_OP_WRITE = 23;
    public static final int IORING_OP_RECV = 27;
    /** Linux 5.19. */
    public static final int IORING_OP_URING_CMD = 46;

    public static final int IORING_FSYNC_DATASYNC = 1;

    public static final int IOSQE_FIXED_FILE = 1;

    private IoUring() {}
}
