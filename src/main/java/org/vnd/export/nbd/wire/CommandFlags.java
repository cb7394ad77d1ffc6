package org.vnd.export.nbd.wire;

/** How a request is to be done; proto.md, "Command flags". Bit values of a 16-bit field. */
public final class CommandFlags {
    /** NBD_CMD_FLAG_FUA: legal on every command. */
    public static final int FORCE_UNIT_ACCESS = 1;
    /** NBD_CMD_FLAG_NO_HOLE, of WRITE_ZEROES. */
    public static final int NO_HOLE = 1 << 1;
    /** NBD_CMD_FLAG_DF, of READ with structured replies: one piece. */
    public static final int DO_NOT_FRAGMENT = 1 << 2;
    /** NBD_CMD_FLAG_REQ_ONE, of BLOCK_STATUS: one extent. */
    public static final int REQUEST_ONE = 1 << 3;
    /** NBD_CMD_FLAG_FAST_ZERO, of WRITE_ZEROES. */
    public static final int FAST_ZERO = 1 << 4;

    private CommandFlags() {}
}
