package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.vnd.export.nbd.wire.AllocationState;

/** The one metadata context there is, base:allocation; proto.md, "Metadata querying". */
final class MetaContext {
    /** Its number in replies, chosen by the server. */
    static final int ALLOCATION_NUMBER = 1;

    private static final byte[] NAME = AllocationState.CONTEXT_NAME.getBytes(StandardCharsets.US_ASCII);
    private static final ByteBuffer EXACT = ByteBuffer.wrap(NAME).asReadOnlyBuffer();
    private static final ByteBuffer WILDCARD =
            ByteBuffer.wrap("base:".getBytes(StandardCharsets.US_ASCII)).asReadOnlyBuffer();

    private MetaContext() {}

    static int nameBytes() {
        return NAME.length;
    }

    static void putName(ByteBuffer out) {
        out.put(NAME);
    }

    /** Whether {@code query} selects it. "base:" does in a list only; what isn't known is ignored, never an error. */
    static boolean matches(ByteBuffer query, boolean listing) {
        return query.equals(EXACT) || (listing && query.equals(WILDCARD));
    }
}
