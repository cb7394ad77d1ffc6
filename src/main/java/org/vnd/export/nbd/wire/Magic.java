package org.vnd.export.nbd.wire;

/** The numbers that messages begin with. */
public final class Magic {
    /** "NBDMAGIC", INIT_PASSWD of proto.md, "Newstyle negotiation". */
    public static final long GREETING = 0x4e42444d41474943L;
    /** "IHAVEOPT"; proto.md, "Newstyle negotiation". */
    public static final long OPTION = 0x49484156454F5054L;
    /** proto.md, "Fixed newstyle negotiation". */
    public static final long OPTION_REPLY = 0x0003e889045565a9L;
    /** NBD_REQUEST_MAGIC; proto.md, "Request message". */
    public static final int REQUEST = 0x25609513;
    /** NBD_SIMPLE_REPLY_MAGIC; proto.md, "Simple reply message". */
    public static final int SIMPLE_REPLY = 0x67446698;
    /** NBD_STRUCTURED_REPLY_MAGIC; proto.md, "Structured reply chunk message". */
    public static final int STRUCTURED_REPLY = 0x668e33ef;

    private Magic() {}
}
