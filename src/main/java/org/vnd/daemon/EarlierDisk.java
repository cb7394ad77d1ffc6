package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.vnd.control.DaemonArguments;
import org.vnd.control.MalformedRecordException;
import org.vnd.control.UnitRecord;
import org.vnd.image.AttachListener;
import org.vnd.image.Recovery;

/** The disk that the unit had before, if it crashed: its record is what finds its image. */
final class EarlierDisk {
    private EarlierDisk() {}

    /** Whether the unit's folder has its record, or may have it. */
    static boolean isThere(DaemonArguments arguments) {
        return !Files.notExists(record(arguments), LinkOption.NOFOLLOW_LINKS);
    }

    private static Path record(DaemonArguments arguments) {
        return arguments.state().record(arguments.unit());
    }

    /**
     * Puts its file back, because the record will be the next disk's. One that is no record finds no file: there the unit is
     * used all the same, and the user hears of it.
     *
     * @throws EarlierDiskException it can't be put back now
     */
    static void recover(DaemonArguments arguments, AttachListener listener) throws IOException {
        String unit = arguments.unit().name();
        String done;
        try {
            Optional<UnitRecord> earlier = UnitRecord.read(record(arguments));
            if (earlier.isEmpty()) {
                return;
            }
            done = recover(earlier.get(), arguments);
        } catch (MalformedRecordException malformed) {
            putAside(arguments, listener, malformed);
            return;
        } catch (IOException e) {
            throw new EarlierDiskException(UnitRecovery.refusal(e, unit), e);
        }
        listener.note(done);
    }

    private static void putAside(DaemonArguments arguments, AttachListener listener, MalformedRecordException malformed)
            throws IOException {
        String unit = arguments.unit().name();
        try {
            Leftover.remove(arguments.unitDirectory());
        } catch (IOException e) {
            throw new EarlierDiskException(UnitRecovery.refusal(e, unit), e);
        }
        listener.warning(unit + ": what its last disk has left can't be recovered (" + malformed.getMessage()
                + "); an image that is locked is unlocked by vndconfig --recover and its name");
        Path record = record(arguments);
        Path aside = record.resolveSibling(record.getFileName() + ".unreadable");
        Files.move(record, aside, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Its image may be the one that is attached now, by the name it has by now. */
    private static String recover(UnitRecord earlier, DaemonArguments arguments) throws IOException {
        String file = arguments.options().file();
        boolean isKnown = earlier.place().inode() != 0;
        boolean mayBeIt = isKnown && !Recovery.isAnother(file, UnitRecovery.image(earlier, file));
        return UnitRecovery.recover(earlier, arguments.unitDirectory(), mayBeIt ? file : "");
    }
}
