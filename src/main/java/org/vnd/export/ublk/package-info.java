/**
 * The disk as /dev/ublkbN, by Linux's ublk driver (Documentation/block/ublk.rst).
 *
 * <p>{@link org.vnd.export.ublk.UblkControl} makes and removes the device, on a thread that may wait. {@link
 * org.vnd.export.ublk.UblkQueue} does its requests, on the queue's thread: each tag has a command with the driver until a
 * request arrives, and the answer to that is the command that waits for the next one. The order is: control made, queue made
 * and started, device started.
 */
@NullMarked
package org.vnd.export.ublk;

import org.jspecify.annotations.NullMarked;
