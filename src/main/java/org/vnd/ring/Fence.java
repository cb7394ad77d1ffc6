package org.vnd.ring;

/**
 * Says whether operations may leave this process now. A ring asks where that is decided: in the thread that is about to call
 * pwrite(2), before io_uring_enter(2). What was prepared before the answer changed is held back there too.
 */
public interface Fence {
    /** On any thread, before each operation: cheap, and nothing is allocated. */
    boolean open();
}
