package org.vnd.image;

/**
 * The kernel serves a block device of the image's blocks, though its daemon is gone, or whether it does can't be told: the image
 * must stay locked.
 */
public final class StillServedException extends ImageException {
    private static final long serialVersionUID = 1L;

    /** As {@link ImageException}. */
    public StillServedException(String path, String why) {
        super(path, why);
    }

    StillServedException(String path, String why, Throwable cause) {
        super(path, why, cause);
    }
}
