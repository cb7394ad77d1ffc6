package org.vnd.image;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * What keeps others from changing an attached image in a way that would hurt. {@link #verify}, {@link #lost}, {@link #mend},
 * {@link #relock}, {@link #tend} and {@link #release} are called by one thread at a time, the other methods by any.
 */
public interface ImageLock {
    /**
     * Whether it still holds; cheap. Asked at least once a second, and after every pause of the process. When it doesn't,
     * no I/O may be started until {@link #mend} or {@link #relock} has succeeded.
     */
    boolean verify();

    /**
     * On the I/O thread, before each operation: false once the image is known to be what it was no more, though nobody has
     * asked {@link #verify} since. Allocates nothing and waits for nobody.
     */
    default boolean holds() {
        return true;
    }

    /** After {@link #verify} said no: whether that is for good, so that {@link #relock} needn't be tried again. */
    default boolean lost() {
        return false;
    }

    /** After {@link #mend} didn't: whether that is only because what holds the lock was killed, and can be started again. */
    default boolean unheld() {
        return false;
    }

    /** What others have done to the image, as of the last {@link #verify}, where it goes on all the same; a line each. */
    default List<String> notices() {
        return List.of();
    }

    /** What it doesn't protect from, each named before a colon. */
    default List<String> unprotected() {
        return List.of();
    }

    /**
     * After {@link #verify} said no: whether others wait to write to the file, whom {@link #relock}, or the kernel before
     * long, lets in, or have changed it already. If not, the layout is still what it was.
     */
    boolean othersWait();

    /**
     * Puts back what is missing of it, as far as that lets nobody in. Empty if it holds again and every block is where it
     * was; otherwise why not, one line. May be tried again.
     */
    Optional<String> mend();

    /**
     * Lets those in who wait, and takes it again: with no I/O in flight, and nothing else that could write. Empty if it holds
     * and every block is where it was; otherwise why not, one line. May be tried again.
     */
    Optional<String> relock();

    /** Why {@link #release} would be refused now, one line; empty if it wouldn't. Asked before anything of the disk ends. */
    default Optional<String> obstacle() {
        return Optional.empty();
    }

    /** Who else has the file open, for people; empty if nobody is seen. To find out may take seconds. */
    default String users() {
        return "";
    }

    /**
     * Gives it up, with no I/O in flight: afterwards the image is an ordinary file, everything closed.
     *
     * @return empty, or what is wrong with the image although it was given up
     * @throws ImageException it still holds, because giving it up now could lose data; may be tried again
     * @throws IOException what the listener threw; the same
     */
    Optional<String> release(AttachListener listener) throws IOException;

    /**
     * For how long at least, in nanoseconds, whoever takes the lock away from now on is kept waiting before he can change
     * anything; {@link Long#MAX_VALUE} where nothing can be taken away. Others may change it at any time.
     */
    long breakNanos();

    /**
     * The descriptors that the lock hangs on. Whoever has operations in flight after this process was killed (io_uring has)
     * should have them registered too, so that nobody gets the image before they are done.
     */
    int[] descriptors();

    /** Hears, on any thread, that {@link ImageLock#verify} may say no, before a look would be due. */
    interface Disturbance {
        /** {@code changed}: others have changed the image already, and by now its blocks may be theirs. May not wait. */
        void disturbed(boolean changed);
    }

    /** Has {@code told} told from now on. */
    default void whenDisturbed(Disturbance told) {}

    /**
     * A block device is about to be made whose requests the kernel serves by itself: {@link #kernelServes}.
     *
     * @throws IOException others were let in, and may be there yet
     */
    default void kernelWillServe() throws IOException {}

    /**
     * The kernel serves a block device of the disk by itself: it is made to fail when others wait to write to the file, also
     * while this process is stopped or when it is dead.
     *
     * @throws IOException nobody can do that, where it must be done
     */
    default void kernelServes(KernelServed device) throws IOException {}

    /** There is no such device, or not any more. */
    default void kernelServesNone() {}

    /** Whether there is such a device, or may be: what it has on its way can't be made to wait. */
    default boolean servedByKernel() {
        return false;
    }

    /**
     * From now on this process must say {@link #quiet}, or get the lock back, in half of {@link #breakNanos} when others wait
     * to write to the file; or else it is killed, since nothing else keeps one that was stopped from writing later.
     */
    default void fence() {}

    /**
     * Nothing of the disk writes any more, after {@link #quiet}, nor what the kernel serves, and that remains so: from now on
     * nobody is kept waiting by what answers for opens, if that is dead. Said about once a second, also because each time it
     * is looked whether it still answers.
     */
    default void failed() {}

    /**
     * While requests are held, or the disk has failed, for as long as that takes: sees to it that what holds the lock beside this
     * process is there, and does what it did. Said about once a second.
     */
    default void tend() {}

    /** No operation on the image starts before the next {@link #mend} or {@link #relock} has succeeded, though there may be some in flight. */
    default void held() {}

    /** No operation on the image is in flight, and none starts before {@link #mend} or {@link #relock} has succeeded. */
    default void quiet() {}
}
