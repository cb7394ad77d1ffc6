package org.vnd.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.vnd.control.UnitRecord;

/** What a process that this command has started does itself, or has a child do if it is a keeper or stands before one. */
final class AwaitedChild extends Awaited {
    private static final String HANDOFF = "vnd-handoff";

    private final Process started;
    /** Tells of the file; empty if nothing does. */
    private final Optional<Path> record;

    private AwaitedChild(String role, Process started, Optional<Path> record) {
        super(role);
        this.started = started;
        this.record = record;
    }

    /** The daemon of a disk that is attached, of which {@code record} tells. */
    static AwaitedChild daemon(Process started, Path record) {
        return new AwaitedChild("daemon", started, Optional.of(record));
    }

    /** The recovery of a unit, of whose image {@code record} tells. */
    static AwaitedChild recovery(Process started, Path record) {
        return new AwaitedChild("recovery", started, Optional.of(record));
    }

    /** The recovery of files. */
    static AwaitedChild recovery(Process started, List<String> files) {
        AwaitedChild recovery = new AwaitedChild("recovery", started, Optional.empty());
        recovery.file = files.size() == 1 ? files.get(0) : "one of them";
        return recovery;
    }

    @Override
    void find() {
        // Its process id may be another's after its end; that it was a keeper's is looked at.
        process = started.isAlive() ? started.pid() : 0;
        String command = command(process);
        while (command.equals(KEEPER) || command.equals(HANDOFF)) {
            keeper = command.equals(KEEPER) ? process : keeper;
            String child = children(task(process, Long.toString(process)))[0];
            process = child.isEmpty() ? 0 : Long.parseLong(child);
            command = command(process);
        }
        try {
            Optional<UnitRecord> known = record.isPresent() ? UnitRecord.read(record.get()) : Optional.empty();
            if (known.isPresent()) {
                learnPlace(known.get());
            }
        } catch (IOException unreadable) {
            // Then the file isn't named.
        }
    }
}
