package org.vnd.block;

/**
 * One queue of a disk, owned by one thread: every method is called on that thread.
 *
 * <p>The device asserts what {@link RequestValidator} has refused before; it does not check again.
 */
public interface BlockDevice {
    /** The size of the disk in bytes. */
    long sizeBytes();

    /** The unit in which this disk does I/O without read-modify-write, in bytes: a power of two, 512 to 4096. */
    int blockSizeBytes();

    /** Whether requests that change data are refused. */
    boolean readOnly();

    /**
     * Whether TRIM does anything, as was found out before the disk was offered to anybody: an export doesn't offer what does
     * nothing. It stays so for the disk's life, and a TRIM that is no longer possible ends well all the same: it was advice.
     */
    boolean trims();

    /** Whether the byte at {@code offsetBytes} has storage. A byte that hasn't reads as zero. */
    boolean allocated(long offsetBytes);

    /**
     * For how many bytes from {@code offsetBytes}, at least 1, {@link #allocated} gives the same answer: the one it gave
     * last, if that was about the same byte.
     */
    long runLengthBytes(long offsetBytes);

    /**
     * Takes a request. It comes back exactly once through {@link BlockRequest#complete}, on this thread, perhaps before
     * this method returns. Errors come back the same way, never as an exception.
     */
    void submit(BlockRequest request);
}
