package org.vnd.export.nbd;

import org.vnd.mem.BufferPool;

/** What one connection holds of a {@link CommandPool}. */
final class Share {
    /** Commands from their header to the end of their reply. */
    int commands;
    /** Bytes of the common memory. */
    long runBytes;
    /** The run that is this connection's alone, or {@link BufferPool#NONE} before it has a place. */
    int reserveIndex = BufferPool.NONE;

    boolean reserveInUse;

    /** Whether its place is one of those that are kept for {@link Server#adopt}. */
    boolean adopted;

    /** Whether the connection has one of the export's places. */
    boolean hasPlace() {
        return reserveIndex != BufferPool.NONE;
    }
}
