package org.vnd.export.nbd.wire;

/** What a request asks; proto.md, "Request types". 16 bits. */
public final class CommandType {
    /** NBD_CMD_READ */
    public static final int READ = 0;
    /** NBD_CMD_WRITE */
    public static final int WRITE = 1;
    /** NBD_CMD_DISC */
    public static final int DISCONNECT = 2;
    /** NBD_CMD_FLUSH */
    public static final int FLUSH = 3;
    /** NBD_CMD_TRIM */
    public static final int TRIM = 4;
    /** NBD_CMD_CACHE */
    public static final int CACHE = 5;
    /** NBD_CMD_WRITE_ZEROES */
    public static final int WRITE_ZEROES = 6;
    /** NBD_CMD_BLOCK_STATUS */
    public static final int BLOCK_STATUS = 7;

    private CommandType() {}
}
