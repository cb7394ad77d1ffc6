package org.vnd.export.nbd;

import org.jspecify.annotations.Nullable;

/** Connections, first in first out, each at most once: bounded by how many there are. */
final class ConnectionQueue {
    private final @Nullable Connection[] queue;
    private final boolean[] queued;
    private int head;
    private int count;

    ConnectionQueue(int connections) {
        queue = new Connection[connections];
        queued = new boolean[connections];
    }

    int size() {
        return count;
    }

    /** Appends {@code connection}, unless it is in the queue. */
    void add(Connection connection) {
        if (!queued[connection.index]) {
            queued[connection.index] = true;
            queue[(head + count) % queue.length] = connection;
            count++;
        }
    }

    /** Removes and returns the oldest, or null. */
    @Nullable
    Connection poll() {
        if (count == 0) {
            return null;
        }
        Connection connection = queue[head];
        queue[head] = null;
        head = (head + 1) % queue.length;
        count--;
        queued[connection.index] = false;
        return connection;
    }
}
