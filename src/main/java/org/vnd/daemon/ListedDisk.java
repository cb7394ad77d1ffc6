package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vnd.control.DaemonArguments;
import org.vnd.control.PendingDetach;
import org.vnd.control.UnitRecord;

/** What a listing shows of a disk: its record, and for whom its detach waits. Its owner's. */
final class ListedDisk {
    private final Path directory;
    private final Path file;
    /** Null until the disk answers requests. */
    private @Nullable UnitRecord record;

    private List<String> neverHad = List.of();

    /** The disk of the unit that {@code arguments} name. */
    ListedDisk(DaemonArguments arguments) {
        directory = arguments.unitDirectory();
        file = arguments.state().record(arguments.unit());
    }

    /**
     * It answers requests.
     *
     * @throws IOException the record can't be written
     */
    void attached(UnitRecord first) throws IOException {
        record = first;
        neverHad = first.unprotected();
        first.write(file);
    }

    /** It can't be used any more, because of {@code reason}. */
    void failed(String reason) {
        write(Objects.requireNonNull(record).failed(reason));
    }

    /** Others have done this to the image, a line each. */
    void noticed(List<String> all) {
        write(Objects.requireNonNull(record).noticed(all));
    }

    /** Besides what it never had, it doesn't have these things now, each named before a colon. */
    void missing(List<String> now) {
        List<String> all = new ArrayList<>(neverHad);
        all.addAll(now);
        write(Objects.requireNonNull(record).unprotected(all));
    }

    private void write(UnitRecord changed) {
        record = changed;
        try {
            changed.write(file);
        } catch (IOException e) {
            Log.line("a listing doesn't show what has become of the disk: " + e);
        }
    }

    /** Its detach waits for {@code who}; empty if it doesn't wait any more. */
    void pending(String who) {
        try {
            if (who.isEmpty()) {
                PendingDetach.delete(directory);
            } else {
                PendingDetach.write(directory, who);
            }
        } catch (IOException e) {
            Log.line("a listing doesn't show right for whom the detach waits: " + e);
        }
    }
}
