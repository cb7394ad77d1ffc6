package org.vnd.export.nbd.wire;

/** How the server answers an option; proto.md, "Option reply types". */
public final class OptionReplyType {
    /** NBD_REP_ACK */
    public static final int ACK = 1;
    /** NBD_REP_SERVER */
    public static final int SERVER = 2;
    /** NBD_REP_INFO */
    public static final int INFO = 3;
    /** NBD_REP_META_CONTEXT */
    public static final int META_CONTEXT = 4;
    /** The bit of every error. */
    public static final int ERROR = 1 << 31;
    /** NBD_REP_ERR_UNSUP: not an option of this server. */
    public static final int UNSUPPORTED = ERROR | 1;
    /** NBD_REP_ERR_POLICY: an option of this server that it won't do now. */
    public static final int POLICY = ERROR | 2;
    /** NBD_REP_ERR_INVALID: malformed. */
    public static final int INVALID = ERROR | 3;
    /** NBD_REP_ERR_UNKNOWN: no such export. */
    public static final int UNKNOWN = ERROR | 6;
    /** NBD_REP_ERR_SHUTDOWN */
    public static final int SHUTDOWN = ERROR | 7;
    /** NBD_REP_ERR_TOO_BIG */
    public static final int TOO_BIG = ERROR | 9;

    private OptionReplyType() {}
}
