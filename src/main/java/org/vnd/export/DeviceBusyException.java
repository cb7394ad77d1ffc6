package org.vnd.export;

import java.io.IOException;

/** A block device can't be taken away because somebody uses it; the message says who: "mounted on /mnt". */
public final class DeviceBusyException extends IOException {
    private static final long serialVersionUID = 1;

    /** It is used by {@code who}. */
    public DeviceBusyException(String who) {
        super(who);
    }
}
