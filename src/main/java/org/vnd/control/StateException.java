package org.vnd.control;

import java.io.IOException;
import java.nio.file.Path;

/** A file of the state folder can't be used. The message is the one line the user sees: which file, why, what to do. */
public class StateException extends IOException {
    private static final long serialVersionUID = 1L;

    /** {@code why} without the file, and what to do if there is anything. */
    public StateException(Path file, String why) {
        super(file + ": " + why);
    }

    /** {@code failure} may name the file or not, or another that is only on the way to it. */
    public StateException(Path file, IOException failure) {
        super(file + ": " + Reason.of(failure), failure);
    }
}
