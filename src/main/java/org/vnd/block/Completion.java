package org.vnd.block;

/** Where a request goes when it is done. Called on the thread that owns the queue. */
public interface Completion {
    /** Gives {@code request} back to whoever submitted it; its {@link BlockRequest#status} is set. */
    void completed(BlockRequest request);
}
