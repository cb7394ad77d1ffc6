package org.vnd.export.nbd.wire;

/** Kinds of information on an export; proto.md, "NBD_REP_INFO". 16 bits. */
public final class InfoType {
    /** NBD_INFO_EXPORT */
    public static final int EXPORT = 0;
    /** NBD_INFO_NAME */
    public static final int NAME = 1;
    /** NBD_INFO_DESCRIPTION */
    public static final int DESCRIPTION = 2;
    /** NBD_INFO_BLOCK_SIZE */
    public static final int BLOCK_SIZE = 3;

    private InfoType() {}
}
