package org.vnd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;

/** The daemon that a unit has, whoever started it: its record names it. */
final class AwaitedDaemon extends Awaited {
    private static final String LOCK_DESCRIPTOR = "5";

    private final StateDirectory state;
    private final Unit unit;

    /** The one of {@code record}, if there is one: it stays that one when the record is gone. */
    AwaitedDaemon(StateDirectory state, Unit unit, Optional<UnitRecord> record) {
        super("daemon");
        this.state = state;
        this.unit = unit;
        learn(record);
    }

    private void learn(Optional<UnitRecord> record) {
        if (record.isEmpty()) {
            return;
        }
        long recorded = record.get().pid();
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(recorded));
        long parent = stat.isPresent() ? stat.get().parent() : 0;
        if (isDaemon(recorded)) {
            process = recorded;
            keeper = parent;
            learnPlace(record.get());
        } else if (command(parent).equals(KEEPER)) {
            // It is dead, and its keeper hasn't heard of it yet.
            keeper = parent;
        }
    }

    /**
     * Whether {@code pid} is a daemon's of this unit: that has the unit's lock, by this number (native/keeper.c). The record may
     * be that of a disk that crashed, and its process id a stranger's by now.
     */
    private boolean isDaemon(long pid) {
        Path process = ProcessStat.folder(pid);
        if (hasLock(process)) {
            return true;
        }
        // One that was killed keeps what it has open as long as one of its threads waits in the kernel.
        String[] threads = process.resolve("task").toFile().list();
        return threads != null && Arrays.stream(threads).anyMatch(thread -> hasLock(Awaited.task(pid, thread)));
    }

    private boolean hasLock(Path task) {
        try {
            Path lockFile = state.lockFile(unit);
            return Files.readSymbolicLink(task.resolve("fd").resolve(LOCK_DESCRIPTOR))
                    .equals(state.path().toRealPath().resolve(lockFile.getFileName()));
        } catch (IOException ended) {
            return false;
        }
    }

    @Override
    void find() {
        if (isDaemon(process)) {
            return;
        }
        process = 0;
        try {
            learn(UnitRecord.read(state.record(unit)));
        } catch (IOException unreadable) {
            // Then it can't be told.
        }
    }
}
