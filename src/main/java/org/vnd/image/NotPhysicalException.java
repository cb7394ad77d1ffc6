package org.vnd.image;

import java.io.IOException;

/** Writing to the image's blocks would not be sound, or isn't possible here. The message is why, without the path, and what helps. */
final class NotPhysicalException extends IOException {
    private static final long serialVersionUID = 1L;

    /** Why, without what helps before it is attached. */
    private final String reason;

    NotPhysicalException(String reason) {
        super(reason);
        this.reason = reason;
    }

    NotPhysicalException(String reason, String advice) {
        super(reason + ": " + advice);
        this.reason = reason;
    }

    NotPhysicalException(String reason, Throwable cause) {
        super(reason, cause);
        this.reason = reason;
    }

    String reason() {
        return reason;
    }
}
