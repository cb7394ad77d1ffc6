package org.vnd.export;

/**
 * A way to reach the disk whose requests are done on the queue's thread, beside those of other exports: one engine, and no
 * cache between them, so all of them see the same disk. Every method is called on that thread.
 */
public interface QueueExport extends AutoCloseable {
    /** Begins to take requests. */
    void start();

    /** Does what has become possible by the last {@link org.vnd.ring.Ring#run}: sends replies, lets those go on who waited. */
    void afterRun();

    /** Who is connected from outside and would lose the disk, 0 if nobody. */
    int clients();

    /** Whether a device of the host's kernel leads to it directly, and not by a socket. */
    boolean servesKernel();

    /** Takes no more clients and no more requests; those in work are answered, unless their client doesn't take it. */
    void stop();

    /** After {@link #stop}: whether nothing of it is left in the engine or in the ring. */
    boolean drained();

    /** Frees its memory; nothing may be in flight. */
    @Override
    void close();
}
