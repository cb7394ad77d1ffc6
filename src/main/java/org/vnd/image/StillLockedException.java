package org.vnd.image;

import java.io.IOException;

/** An image couldn't be attached, nor be put back as it was: it stays locked until the recovery can unlock it. */
public final class StillLockedException extends IOException {
    private static final long serialVersionUID = 1L;

    /** {@code why} it couldn't be attached; what kept it locked is among what {@code cause} has suppressed. */
    public StillLockedException(String why, Throwable cause) {
        super(why + "; its file stays locked: vndconfig --recover", cause);
    }
}
