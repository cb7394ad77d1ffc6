/**
 * The disk as a file of a file system of its own, by FUSE: {@code disk}, mode 0600, in a root folder that has nothing else.
 * The protocol is include/uapi/linux/fuse.h, spoken on /dev/fuse directly. Reads and writes, direct or not, pass the
 * host's page cache by. What can't, fills it with pages that only the next open or a write through the file drops:
 * sendfile(2), and a private mapping; a shared one is refused (ENODEV).
 *
 * <p>{@link org.vnd.export.fuse.FuseMount} mounts and unmounts, on a thread that may wait. {@link
 * org.vnd.export.fuse.Server} moves messages between the kernel and {@link org.vnd.export.fuse.Session}, which is the
 * file system without its descriptor: a message in, a request to the disk, a reply out. With a loop device on top of the
 * file, direct I/O on, it is a block device on a kernel that has no better way to one.
 *
 * <p>Where root has switched it on in the kernel, requests come by {@link org.vnd.export.fuse.RingEntries} instead.
 *
 * <pre>
 * int fd = FuseMount.openDevice();
 * FuseMount mount = FuseMount.mount(fd, folder, "vnd0", engine.readOnly());
 * // on the queue's thread:
 * AlignedBuffer arena = new AlignedBuffer(Server.ARENA_BYTES); // ring.registerMemory(…, arena)
 * Server server = new Server(ring, new BufferPool(arena), engine, fd, Log::line); // Server.RING_OPERATIONS of the ring
 * server.start(); // and server.afterRun() after each ring.run
 * // to end, on a thread that may wait, since the queue's serves the kernel meanwhile:
 * mount.remove(); // or DeviceBusyException
 * // on the queue's thread: server.stop(); ring.run and afterRun until server.drained(); server.close();
 * </pre>
 */
@NullMarked
package org.vnd.export.fuse;

import org.jspecify.annotations.NullMarked;
