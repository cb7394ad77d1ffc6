package org.vnd.image;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** An image can't be attached or detached. The message is the one line the user sees: which file, why, what to do. */
public class ImageException extends IOException {
    private static final long serialVersionUID = 1L;

    /** {@code why} without the path, beginning small. */
    public ImageException(String path, String why) {
        super(path + ": " + why);
    }

    public ImageException(String path, String why, @Nullable Throwable cause) {
        super(path + ": " + why, cause);
    }
}
