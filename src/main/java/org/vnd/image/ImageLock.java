package org.vnd.image;

import java.io.IOException;
import java.util.Optional;

/** What keeps others from changing an attached image in a way that would hurt. Used by one thread at a time. */
public interface ImageLock {
    /**
     * Whether it still holds; cheap. Asked at least once a second, and after every pause of the process. When it doesn't,
     * no I/O may be started until {@link #relock} has succeeded.
     */
    boolean verify();

    /**
     * After {@link #verify} said no: whether others wait to write to the file, whom {@link #relock}, or the kernel before
     * long, lets in. If not, the layout is still what it was.
     */
    boolean othersWait();

    /**
     * Takes it again, with no I/O in flight. Empty if it holds and every block is where it was; otherwise why not, one
     * line. May be tried again.
     */
    Optional<String> relock();

    /**
     * Gives it up, with no I/O in flight: afterwards the image is an ordinary file, everything closed.
     *
     * @return empty, or what is wrong with the image although it was given up
     * @throws ImageException it still holds, because giving it up now could lose data; may be tried again
     * @throws IOException what the listener threw; the same
     */
    Optional<String> release(AttachListener listener) throws IOException;

    /**
     * For how long at least, in nanoseconds, whoever takes the lock away is kept waiting before he can change anything;
     * {@link Long#MAX_VALUE} where nothing can be taken away.
     */
    long breakNanos();

    /**
     * The descriptor the lock hangs on. Whoever has operations in flight after this process was killed (io_uring has)
     * should have it registered too, so that nobody gets the image before they are done.
     */
    int fd();
}
