package org.vnd.block;

import org.jspecify.annotations.Nullable;

/**
 * Requests waiting their turn, first in first out, linked through the slots themselves: it can't be full, because there
 * are never more requests than slots, and it allocates nothing.
 */
public final class RequestQueue {
    private @Nullable BlockRequest first;
    private @Nullable BlockRequest last;

    /** Appends {@code request}, which must be in no queue. */
    public void add(BlockRequest request) {
        assert request.next == null && request != last : "already queued: " + request;
        if (last == null) {
            first = request;
        } else {
            last.next = request;
        }
        last = request;
    }

    /** The oldest request, or null. */
    public @Nullable BlockRequest peek() {
        return first;
    }

    /** Removes and returns the oldest request, or null. */
    public @Nullable BlockRequest poll() {
        BlockRequest request = first;
        if (request != null) {
            first = request.next;
            request.next = null;
            if (first == null) {
                last = null;
            }
        }
        return request;
    }

    /** Whether nothing waits. */
    public boolean isEmpty() {
        return first == null;
    }
}
