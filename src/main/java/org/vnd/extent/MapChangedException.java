package org.vnd.extent;

import java.io.IOException;

/** FIEMAP's answers contradict each other: somebody changed the file in the meantime, or the file system is broken. */
public final class MapChangedException extends IOException {
    private static final long serialVersionUID = 1L;

    public MapChangedException(String message) {
        super(message);
    }
}
