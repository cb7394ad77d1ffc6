package org.vnd.image;

/** The kernel serves a block device of the image's blocks, though its daemon is gone: the image must stay locked. */
public final class StillServedException extends ImageException {
    private static final long serialVersionUID = 1L;

    StillServedException(String path, String why) {
        super(path, why);
    }
}
