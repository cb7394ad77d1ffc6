package org.vnd.engine;

import org.jspecify.annotations.Nullable;

/** Transfers waiting their turn, first in first out, linked through themselves. A transfer is in at most one. */
final class TransferQueue {
    private @Nullable Transfer first;
    private @Nullable Transfer last;

    void add(Transfer transfer) {
        assert transfer.next == null && transfer != last;
        if (last == null) {
            first = transfer;
        } else {
            last.next = transfer;
        }
        last = transfer;
    }

    @Nullable
    Transfer peek() {
        return first;
    }

    @Nullable
    Transfer poll() {
        Transfer transfer = first;
        if (transfer != null) {
            first = transfer.next;
            transfer.next = null;
            if (first == null) {
                last = null;
            }
        }
        return transfer;
    }

    boolean isEmpty() {
        return first == null;
    }
}
