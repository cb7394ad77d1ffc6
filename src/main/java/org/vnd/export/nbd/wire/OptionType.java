package org.vnd.export.nbd.wire;

/** What a client may ask in the handshake; proto.md, "Option types". */
public final class OptionType {
    /** NBD_OPT_EXPORT_NAME */
    public static final int EXPORT_NAME = 1;
    /** NBD_OPT_ABORT */
    public static final int ABORT = 2;
    /** NBD_OPT_LIST */
    public static final int LIST = 3;
    /** NBD_OPT_PEEK_EXPORT, withdrawn. */
    public static final int PEEK_EXPORT = 4;
    /** NBD_OPT_STARTTLS */
    public static final int STARTTLS = 5;
    /** NBD_OPT_INFO */
    public static final int INFO = 6;
    /** NBD_OPT_GO */
    public static final int GO = 7;
    /** NBD_OPT_STRUCTURED_REPLY */
    public static final int STRUCTURED_REPLY = 8;
    /** NBD_OPT_LIST_META_CONTEXT */
    public static final int LIST_META_CONTEXT = 9;
    /** NBD_OPT_SET_META_CONTEXT */
    public static final int SET_META_CONTEXT = 10;
    /** NBD_OPT_EXTENDED_HEADERS, an experimental extension. */
    public static final int EXTENDED_HEADERS = 11;

    private OptionType() {}
}
