package org.vnd.export;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A block device of this host that leads to the disk. Made and removed on a thread that may wait, while the queue's thread
 * serves what the kernel asks meanwhile, its partition table for one.
 */
public interface KernelDevice {
    /** The export it is of, as in {@code --export}: {@code loop}, {@code ublk}. */
    String export();

    /** Its node: {@code /dev/loop3}. */
    String node();

    /**
     * Has the kernel look whether its partitions have changed. Does nothing once it is gone, or
     * where the kernel looks by itself.
     */
    default void lookForPartitions() throws IOException {}

    /**
     * Looks after it, on a thread of its own, about once a second; while another removes it, too.
     *
     * @return why the disk must fail, because the device doesn't lead to its blocks any more
     * @throws IOException something couldn't be done this time, and the next look tries it again
     */
    default Optional<String> look() throws IOException {
        return Optional.empty();
    }

    /**
     * Has {@code told} run, on any thread, when what keeps the device has ended without being asked to: its name and number
     * may be another's at any moment then.
     */
    default void whenLost(Runnable told) {}

    /**
     * What has to know of it does, also what outlives this process. Before that it fails with this process, where it could
     * outlive that.
     */
    default void kept() throws IOException {}

    /** Whether the kernel serves it by itself: then its requests can't be made to wait here, only to {@link #fail}. */
    default boolean servedByKernel() {
        return false;
    }

    /** Has it answer every request with an error from now on, where this process doesn't answer them. */
    default void fail() throws IOException {}

    /**
     * What {@link #fail} does, for another process to do: a program and its arguments, with status 0 if it did. Of devices
     * that the kernel serves by itself.
     */
    default List<String> failCommand() {
        return List.of();
    }

    /**
     * Takes it away, if nobody uses it. By one caller at a time.
     *
     * @throws DeviceBusyException somebody has it open or mounted; it is as before
     * @throws IOException the kernel refused; what is left is said
     */
    void remove() throws IOException;
}
