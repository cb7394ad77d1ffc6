package org.vnd.export.fuse;

import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockRequest;
import org.vnd.block.Completion;

/** A request that the disk has in work, from its message to its reply. */
final class Slot implements Completion {
    private final Session session;

    final BlockRequest request;

    /** The kernel's name for it. */
    long unique;

    /** By which it came, or {@link Session#NO_ENTRY}. */
    int entry;

    /** Its memory in the pool. */
    int runIndex;

    /** What of the run is to be given back. */
    int runBytes;

    /** Links the slots that are free. */
    @Nullable
    Slot next;

    Slot(Session session, int number) {
        this.session = session;
        request = new BlockRequest(number, this);
    }

    @Override
    public void completed(BlockRequest done) {
        session.completed(this);
    }
}
