package org.vnd.ring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vnd.sys.Errno;
import org.vnd.sys.abi.IoUringCqe;
import org.vnd.sys.abi.IoUringParams;

/** Our side of the completion ring: the kernel writes entries and the tail, we move the head. */
final class CompletionQueue {
    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private final ByteBuffer ring;
    private final int headOffset;
    private final int tailOffset;
    private final int mask;
    private final int entries;
    private int head;

    /** The queue that {@code params} describes in the mapped {@code ring}. */
    CompletionQueue(ByteBuffer params, ByteBuffer ring) {
        this.ring = ring;
        this.headOffset = params.getInt(IoUringParams.CQ_OFF_HEAD_OFFSET);
        this.tailOffset = params.getInt(IoUringParams.CQ_OFF_TAIL_OFFSET);
        this.mask = ring.getInt(params.getInt(IoUringParams.CQ_OFF_RING_MASK_OFFSET));
        this.entries = params.getInt(IoUringParams.CQ_OFF_CQES_OFFSET);
        this.head = ring.getInt(headOffset);
    }

    /** Completions that wait to be drained. */
    int ready() {
        // Acquire: an entry is read after the tail that shows it.
        return (int) INT.getAcquire(ring, tailOffset) - head;
    }

    /** Gives out every completion there is now; those that arrive meanwhile wait for the next drain. */
    int drain(CompletionHandler[] handlers) {
        int count = ready();
        for (int n = 0; n < count; n++) {
            int entry = entries + (head & mask) * IoUringCqe.SIZE_BYTES;
            long userData = ring.getLong(entry + IoUringCqe.USER_DATA_OFFSET);
            int result = ring.getInt(entry + IoUringCqe.RES_OFFSET);
            head++;
            // Release: the entry is read before the head frees it. Moved one by one, because a handler may submit, and
            // submitting with a full completion queue would make the kernel keep completions aside.
            INT.setRelease(ring, headOffset, head);
            boolean heldBack = (userData & SubmissionQueue.HELD_BACK) != 0;
            handlers[(int) (userData >>> 56)].completed(
                    userData & (Ring.TAG_LIMIT - 1), heldBack ? -Errno.ECANCELED : result);
        }
        return count;
    }
}
