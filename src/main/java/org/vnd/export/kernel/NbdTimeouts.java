package org.vnd.export.kernel;

/**
 * How long the kernel's nbd driver waits for us, in seconds.
 *
 * <p>A process that is stopped for less than the sum goes on when it is continued, and its users with it. One that has died
 * leaves its users with EIO after no more than the sum and a few seconds, for what it had in work, and after {@code
 * reconnectSeconds} for what comes later. One that lives and doesn't answer is asked again on each connection in turn, before
 * there is none left. The driver doesn't look after the requests of a connection that has been closed before they have timed
 * out: that is why there is no "never" for the first.
 *
 * @param requestSeconds after which a request that isn't answered is sent again by another connection, and its own is given
 *     up; at least 1
 * @param reconnectSeconds for which requests wait for a new connection when there is none left; 0 for not at all
 */
public record NbdTimeouts(int requestSeconds, int reconnectSeconds) {
    /** What disks are given by Linux, for a request; and as much again until somebody has seen to the process. */
    public static final NbdTimeouts DEFAULT = new NbdTimeouts(30, 30);

    /** An error after about {@code seconds}, during which each connection is tried in turn. */
    public static NbdTimeouts withinSeconds(int seconds) {
        return new NbdTimeouts(Math.max(1, seconds / NbdDevice.CONNECTIONS), 0);
    }

    /** Checks them. */
    public NbdTimeouts {
        if (requestSeconds < 1 || reconnectSeconds < 0) {
            throw new IllegalArgumentException("timeouts of " + requestSeconds + " s and " + reconnectSeconds + " s");
        }
    }
}
