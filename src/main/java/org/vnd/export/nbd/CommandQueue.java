package org.vnd.export.nbd;

import org.jspecify.annotations.Nullable;

/** Commands, first in first out, linked through the slots themselves: bounded by their number, and nothing is allocated. */
final class CommandQueue {
    private @Nullable Command first;
    private @Nullable Command last;

    boolean isEmpty() {
        return first == null;
    }

    void add(Command command) {
        assert command.next == null && command != last : "queued twice";
        if (last == null) {
            first = command;
        } else {
            last.next = command;
        }
        last = command;
    }

    /** Removes and returns the oldest, or null. */
    @Nullable
    Command poll() {
        Command command = first;
        if (command != null) {
            first = command.next;
            command.next = null;
            if (first == null) {
                last = null;
            }
        }
        return command;
    }

    /** Appends all of {@code other}, in order, and empties it. */
    void addAll(CommandQueue other) {
        if (other.first == null) {
            return;
        }
        if (last == null) {
            first = other.first;
        } else {
            last.next = other.first;
        }
        last = other.last;
        other.first = null;
        other.last = null;
    }
}
