package org.vnd.export.nbd.wire;

/** What server and client tell each other first; proto.md, "Handshake flags" and "Client flags". Bit values. */
public final class HandshakeFlags {
    /** NBD_FLAG_FIXED_NEWSTYLE and NBD_FLAG_C_FIXED_NEWSTYLE: options get replies. */
    public static final int FIXED_NEWSTYLE = 1;
    /** NBD_FLAG_NO_ZEROES and NBD_FLAG_C_NO_ZEROES: no padding after the answer to NBD_OPT_EXPORT_NAME. */
    public static final int NO_ZEROES = 1 << 1;

    private HandshakeFlags() {}
}
