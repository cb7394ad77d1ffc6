package org.vnd.export.fuse;

/** Where a session's replies go. */
interface Channel {
    /**
     * Sends one reply: the first {@code headerBytes} of the session's {@link Reply}, and then {@code dataBytes} of memory,
     * which may be none. Both may be used again when this returns.
     *
     * @param entry by which the request came, see {@link RingEntries}, or {@link Session#NO_ENTRY}
     */
    void send(int entry, int headerBytes, long dataAddress, int dataBytes);
}
