package org.vnd.engine;

import org.jspecify.annotations.Nullable;

/**
 * The range lock of read-modify-write. A transfer that writes back a block it has read may not run beside another that
 * writes in that block: one of the two changes would be lost. Whole-block writes need no lock among themselves, so in
 * the usual case this counts and compares nothing.
 *
 * <p>Who must wait does so in order of arrival, and every later write waits behind: simple, and only unaligned clients
 * pay for it. One thread owns the queue of a disk; with several queues this is what must become shared.
 */
final class WriteOrder {
    private final @Nullable Transfer[] active;
    private final TransferQueue waiting = new TransferQueue();
    private int activeCount;
    private int modifying;

    WriteOrder(int capacity) {
        active = new Transfer[capacity];
    }

    /** Registers a write, or makes it wait. Whether it may start now. */
    boolean admit(Transfer transfer) {
        if (!waiting.isEmpty() || conflicts(transfer)) {
            waiting.add(transfer);
            return false;
        }
        register(transfer);
        return true;
    }

    /** A write has ended. */
    void finished(Transfer transfer) {
        Transfer moved = active[--activeCount];
        active[activeCount] = null;
        if (moved != transfer) {
            active[transfer.orderIndex] = moved;
            moved.orderIndex = transfer.orderIndex;
        }
        if (transfer.modifiesBlocks()) {
            modifying--;
        }
    }

    /** The next write that may start now because others have ended, registered; or null. */
    @Nullable
    Transfer next() {
        Transfer transfer = waiting.peek();
        if (transfer == null || conflicts(transfer)) {
            return null;
        }
        waiting.poll();
        register(transfer);
        return transfer;
    }

    private void register(Transfer transfer) {
        transfer.orderIndex = activeCount;
        active[activeCount++] = transfer;
        if (transfer.modifiesBlocks()) {
            modifying++;
        }
    }

    private boolean conflicts(Transfer transfer) {
        if (modifying == 0 && !transfer.modifiesBlocks()) {
            return false;
        }
        for (int at = 0; at < activeCount; at++) {
            Transfer other = active[at];
            if ((other.modifiesBlocks() || transfer.modifiesBlocks()) && other.overlaps(transfer)) {
                return true;
            }
        }
        return false;
    }
}
