package org.vnd.image;

import java.io.IOException;

/** Writing to the image's blocks would not be sound, or isn't possible here. The message is why, without the path. */
final class NotPhysicalException extends IOException {
    private static final long serialVersionUID = 1L;

    NotPhysicalException(String reason) {
        super(reason);
    }

    NotPhysicalException(String reason, Throwable cause) {
        super(reason, cause);
    }
}
