package org.vnd.block;

/** What a request asks of the disk. */
public enum Operation {
    /** Disk to buffer. */
    READ,
    /** Buffer to disk. */
    WRITE,
    /** Every write completed before this one was submitted is on stable storage when it completes. */
    FLUSH,
    /** The range's content is no longer needed; what it reads back as afterwards is not defined. */
    TRIM,
    /** The range reads back as zeros. No buffer. */
    WRITE_ZEROES,
    /** A hint that the range will be read soon. This project has no cache to fill, so it completes at once. */
    CACHE;

    /** Whether the operation carries data in the request's buffer. */
    public boolean hasBuffer() {
        return this == READ || this == WRITE;
    }

    /** Whether a read-only disk refuses it. */
    public boolean changesData() {
        return this == WRITE || this == TRIM || this == WRITE_ZEROES;
    }

    /** Whether it names a range of the disk. */
    public boolean hasRange() {
        return this != FLUSH;
    }
}
