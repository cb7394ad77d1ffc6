package org.vnd.export;

import java.io.IOException;

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
     * Takes it away, if nobody uses it.
     *
     * @throws DeviceBusyException somebody has it open or mounted; it is as before
     * @throws IOException the kernel refused; what is left is said
     */
    void remove() throws IOException;
}
