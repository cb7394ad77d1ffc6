package org.vnd.export.nbd.wire;

/** Flags of an extent in the context base:allocation; proto.md, "base:allocation metadata context". */
public final class AllocationState {
    /** The context's name. */
    public static final String CONTEXT_NAME = "base:allocation";
    /** NBD_STATE_HOLE */
    public static final int HOLE = 1;
    /** NBD_STATE_ZERO */
    public static final int ZERO = 1 << 1;

    private AllocationState() {}
}
