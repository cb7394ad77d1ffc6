package org.vnd.engine;

/**
 * How many bytes may be in flight, so that all of them are done in the time that the gate gives: once the image is taken away,
 * nobody can call them back, and whoever took it waits no longer than lease-break-time.
 *
 * <p>It goes by what is measured. An operation that was answered after so long, with so many bytes ahead of it, tells how fast
 * the device is; the limit is what it does in the given time at that rate. It sinks at once and rises by doubling. A device
 * that becomes slow with much in flight takes longer: hence a limit for the fastest, too.
 */
final class InFlightLimit {
    /** Keeps any device busy: two requests of the largest size. At 5 MB/s, a bad disk's pace, it is 13 seconds. */
    static final long MOST_BYTES = 64 << 20;

    /** Where ten small operations a second are all that a device does, 16 of them are done in two seconds. */
    static final long LEAST_BYTES = 64 << 10;

    private static final long FIRST_BYTES = 4 << 20;

    private long limitBytes = FIRST_BYTES;
    private long inFlightBytes;

    /** How much may be started now; nothing, or {@link #LEAST_BYTES} and more where nothing is in flight. */
    long roomBytes() {
        return limitBytes - inFlightBytes;
    }

    /** An operation leaves; what is in flight with it, to be given back. */
    long started(long lengthBytes) {
        inFlightBytes += lengthBytes;
        return inFlightBytes;
    }

    /** It wasn't done, and is no longer in flight. */
    void heldBack(long lengthBytes) {
        inFlightBytes -= lengthBytes;
        assert inFlightBytes >= 0;
    }

    /**
     * It is done.
     *
     * @param aheadBytes from {@link #started}
     * @param tookNanos since then
     * @param givenNanos in which all that is in flight must be done
     */
    void done(long lengthBytes, long aheadBytes, long tookNanos, long givenNanos) {
        heldBack(lengthBytes);
        if (lengthBytes == 0) {
            // A flush tells nothing of writes.
            return;
        }
        double inTimeBytes = (double) aheadBytes * givenNanos / Math.max(1, tookNanos);
        long most = Math.min(MOST_BYTES, 2 * limitBytes);
        // A double that is too large becomes the largest long.
        limitBytes = Math.max(LEAST_BYTES, Math.min((long) inTimeBytes, most));
    }
}
