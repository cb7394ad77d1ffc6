package org.vnd.control;

import java.nio.file.Path;

/** What is called as a disk's record is none, and won't become one: nothing is known of the disk. */
public final class MalformedRecordException extends StateException {
    private static final long serialVersionUID = 1L;

    MalformedRecordException(Path file, String why) {
        super(file, "not the record of a disk: " + why);
    }
}
