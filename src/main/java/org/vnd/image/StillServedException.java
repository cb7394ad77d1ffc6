package org.vnd.image;

import org.jspecify.annotations.Nullable;

/**
 * The kernel serves a block device of the image's blocks, though its daemon is gone, or whether it does can't be told: the image
 * must stay locked.
 */
public final class StillServedException extends ImageException {
    private static final long serialVersionUID = 1L;

    /** As {@link ImageException}. */
    public StillServedException(String path, String why) {
        this(path, why, null);
    }

    /** The same, with what else is known of it. */
    public StillServedException(String path, String why, @Nullable Throwable cause) {
        super(path, why, cause);
    }
}
