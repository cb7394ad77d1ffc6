package org.vnd.export.nbd.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A struct laid over bytes of a buffer. */
abstract class Flyweight {
    /** The bytes it lies in; big-endian. */
    @SuppressWarnings("NullAway.Init") // wrapped before it is used
    protected ByteBuffer buffer;
    /** Index of the struct's first byte. */
    protected int offset;

    /** Lays it over {@code bytes} from index {@code at}. */
    protected final void lay(ByteBuffer bytes, int at) {
        assert bytes.order() == ByteOrder.BIG_ENDIAN : "NBD is big-endian";
        buffer = bytes;
        offset = at;
    }
}
