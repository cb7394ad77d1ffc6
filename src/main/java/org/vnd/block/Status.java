package org.vnd.block;

/** How a request ended. Each export maps these to its own wire values. */
public enum Status {
    OK,
    /** The storage below failed, or the disk has failed and takes no more I/O. */
    IO_ERROR,
    /** The file system below is full, or a write lies past the end of the disk. */
    NO_SPACE,
    /** A change was asked of a read-only disk. */
    READ_ONLY,
    /** The request itself is wrong: range, length, flag. */
    INVALID,
    /** The disk can't do this operation, or can't do it as fast as the request insists on. */
    NOT_SUPPORTED,
    /** The disk is being detached. */
    SHUTTING_DOWN
}
