package org.vnd.image;

import java.util.List;

/**
 * The image of a disk whose daemon has ended, as the unit's record has it: which file it was, and where it may be found.
 *
 * @param unit name of the disk
 * @param pid of the daemon
 * @param name as the user gave it: the way to it may lead elsewhere since
 * @param paths at which it is looked for first; absolute
 * @param place of the file when it was attached
 */
public record LostImage(String unit, long pid, String name, List<String> paths, FilePlace place) {
    public LostImage {
        paths = List.copyOf(paths);
    }

    /** Whether the file that it was is known, and not only its path: not so in a record of an earlier vnd. */
    boolean isKnown() {
        return place.inode() != 0;
    }

    /** Whether {@code record} was written by this disk's daemon, for the file that it had then. */
    boolean wrote(OwnershipRecord record) {
        String file = place.deviceMajor() + ":" + place.deviceMinor() + ":" + Long.toUnsignedString(place.inode());
        return record.unit().equals(unit)
                && record.pid() == pid
                && (!isKnown() || record.file().equals(file));
    }
}
