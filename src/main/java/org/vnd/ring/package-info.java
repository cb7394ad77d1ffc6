/**
 * Asynchronous I/O on one thread: io_uring, or a pool of threads where the kernel refuses it. Knows nothing of blocks.
 *
 * <p>{@link org.vnd.ring.Ring} is what the rest of the project sees. {@link org.vnd.ring.UringRing} is io_uring;
 * {@link org.vnd.ring.ThreadRing} does the same with blocking calls.
 */
package org.vnd.ring;
