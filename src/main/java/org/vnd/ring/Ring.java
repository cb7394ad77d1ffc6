package org.vnd.ring;

import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/**
 * One thread's asynchronous operations. Every method but {@link #wakeUp} is called on the thread that made the ring.
 *
 * <p>An operation is prepared with the handler and a tag of its submitter, who gets both back with the result. Prepared
 * operations start with the next {@link #run}, or earlier when the submission queue is full. The number in flight is
 * bounded by the submitters, each of which has a fixed number of slots; their sum is the ring's {@code capacity}.
 * Memory and descriptors given to an operation stay valid until it completes.
 */
public interface Ring extends AutoCloseable {
    /** Tags are below this; the bit above says of an entry that it was held back. */
    long TAG_LIMIT = 1L << 55;

    /** At most this many handlers: what is left of user_data beside the tag and its bit. */
    int HANDLER_LIMIT = 256;

    /** Adds a user; the number it submits with. */
    int addHandler(CompletionHandler handler);

    /**
     * Tells the kernel of memory that many operations will use, so that it pins the pages once. Called once, before any
     * I/O. Where the kernel refuses (RLIMIT_MEMLOCK), I/O works all the same, a little slower.
     */
    void registerMemory(AlignedBuffer... buffers);

    /**
     * Tells the kernel of the descriptors that many reads and writes will use. Called once. An io_uring keeps them open
     * until nothing of it is in flight any more, even after the process was killed: so does whoever registers a descriptor
     * that a lock hangs on.
     */
    void registerFiles(int... fds);

    /**
     * Has {@code fence} asked right before an operation on a file that {@code handler} has prepared leaves the process. While
     * it is shut, such an operation isn't done, and completes with −ECANCELED. Called once, before any I/O.
     */
    void fence(int handler, Fence fence);

    /** pread(2) of {@code length} bytes at {@code offset} to {@code address}; may be short. */
    void read(int handler, long tag, int fd, long address, int length, long offset);

    /** pwrite(2); may be short. */
    void write(int handler, long tag, int fd, long address, int length, long offset);

    /** fdatasync(2). */
    void dataSync(int handler, long tag, int fd);

    /** fallocate(2). */
    void allocate(int handler, long tag, int fd, int mode, long offset, long length);

    /** accept4(2) with SOCK_CLOEXEC; the result is the descriptor. */
    void accept(int handler, long tag, int fd);

    /** recv(2), MSG_WAITALL in {@code flags} or 0. Only one receive of a socket in flight at a time. */
    void receive(int handler, long tag, int fd, long address, int length, int flags);

    /** sendmsg(2) of the msghdr at {@code messageAddress}; may be short. Only one a socket in flight at a time. */
    void sendMessage(int handler, long tag, int fd, long messageAddress);

    /** Completes with 0 once {@code fd} is readable, poll(2). */
    void pollReadable(int handler, long tag, int fd);

    /** Completes after {@code delayNanos}, with 0 or -ETIME. */
    void timeout(int handler, long tag, long delayNanos);

    /**
     * Starts what was prepared, waits for at least one completion (if {@code wait}) and gives out all there are.
     *
     * @return how many completions were given out; 0 after a signal or a wake-up, or without {@code wait}
     * @throws SysException the ring is broken: no operation can be relied on any more
     */
    int run(boolean wait) throws SysException;

    /**
     * Has {@link #run} look for completions for as long as {@code poll} says before it sleeps, and tell it how long it took;
     * null, as at first: not at all. That answers sooner and takes more of the processor. A ring that can only sleep doesn't
     * heed it.
     */
    default void busyPoll(@Nullable BusyPoll poll) {}

    /** Makes {@link #run} return soon and call the wake-up action. The one method for other threads. */
    void wakeUp();

    /** What {@link #run} calls, on the ring's thread, after a {@link #wakeUp}. */
    void onWakeUp(Runnable action);

    /** For people: "io_uring (registered buffers)", or "threads: io_uring_setup: Operation not permitted". */
    String description();

    /** Ends the ring. Operations in flight are abandoned to the kernel, so the owner drains first. */
    @Override
    void close();
}
