package org.vnd.control;

import java.io.IOException;

/** A record that isn't what {@link UnitRecord#write} writes. The message says what is wrong with it. */
public final class MalformedJsonException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedJsonException(String message) {
        super(message);
    }
}
