package org.vnd.daemon;

import java.io.IOException;

/** The unit's last disk crashed and can't be recovered now: its record must stay, which is what finds its image. */
final class EarlierDiskException extends IOException {
    private static final long serialVersionUID = 1L;

    /** {@code why} it can't be recovered, and what to do. */
    EarlierDiskException(String why, IOException cause) {
        super(why, cause);
    }
}
