package org.vnd.control;

import java.io.IOException;
import java.util.Optional;

/**
 * How a unit is, as its lock and its record show it. No daemon is asked: one that is stopped or stuck is shown too.
 *
 * @param kind whether there is a disk
 * @param record what is known of it; always there with {@code ATTACHED} and {@code CRASHED}
 * @param problem why its record can't be read, a line; empty if it can
 */
public record UnitStatus(Kind kind, Optional<UnitRecord> record, String problem) {
    private static final int MAX_LOOKS = 100;

    /** Whether there is a disk. */
    public enum Kind {
        /** There is none. */
        FREE,
        /** It is being attached, or the last moments of a detach. */
        CHANGING,
        /** It answers requests. */
        ATTACHED,
        /** Its daemon ended without putting the image in order; the record says which image. */
        CRASHED,
        /** The same, but the record can't be read. */
        UNREADABLE
    }

    /** Looks at {@code unit}. */
    public static UnitStatus of(StateDirectory state, Unit unit) throws IOException {
        boolean held = UnitLock.isHeld(state.lockFile(unit));
        for (int look = 1; ; look++) {
            Optional<UnitRecord> record = Optional.empty();
            String problem = "";
            try {
                record = UnitRecord.read(state.record(unit));
            } catch (StateException unreadable) {
                problem = String.valueOf(unreadable.getMessage());
            }
            boolean stillHeld = UnitLock.isHeld(state.lockFile(unit));
            // A record seen while the lock came or went belongs to neither state.
            if (held == stillHeld || look == MAX_LOOKS) {
                return new UnitStatus(kind(stillHeld, record, problem), record, problem);
            }
            held = stillHeld;
        }
    }

    private static Kind kind(boolean held, Optional<UnitRecord> record, String problem) {
        if (!held) {
            return record.isPresent() ? Kind.CRASHED : problem.isEmpty() ? Kind.FREE : Kind.UNREADABLE;
        }
        return record.isPresent() && record.get().state() == UnitRecord.State.ATTACHED ? Kind.ATTACHED : Kind.CHANGING;
    }
}
