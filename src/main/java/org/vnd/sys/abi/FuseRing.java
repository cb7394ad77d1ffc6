package org.vnd.sys.abi;

/**
 * FUSE over io_uring, Linux 6.14: struct fuse_uring_req_header, where a request arrives and its answer is put, and struct
 * fuse_uring_cmd_req, what a command takes. include/uapi/linux/fuse.h; Documentation/filesystems/fuse/fuse-io-uring.rst.
 */
public final class FuseRing {
    /** Of fuse_uring_req_header. */
    public static final int SIZE_BYTES = 288;

    /** The fuse_in_header of a request, then the fuse_out_header of its answer. */
    public static final int IN_OUT_OFFSET = 0;
    /** The fixed part of its arguments. */
    public static final int OP_IN_OFFSET = 128;

    public static final int OP_IN_SIZE_BYTES = 128;
    /** By which name the answer is committed. */
    public static final int COMMIT_ID_OFFSET = 264;
    /** How many bytes the other buffer has. */
    public static final int PAYLOAD_SZ_OFFSET = 272;

    /** Gives the kernel an entry of a queue, to which addr and len of the command point as two struct iovec. */
    public static final int FUSE_IO_URING_CMD_REGISTER = 1;
    /** Gives the kernel an answer, and the entry again. */
    public static final int FUSE_IO_URING_CMD_COMMIT_AND_FETCH = 2;

    private FuseRing() {}
}
