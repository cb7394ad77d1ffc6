/**
 * Block devices of this host that the kernel makes: {@link org.vnd.export.kernel.LoopDevice} on the device under the image's
 * file system, with no process in between, or on a file that another export serves; {@link org.vnd.export.kernel.DmDevice}
 * on the devices below that one, for an image in any number of pieces on a file system that lies on the device mapper; and
 * {@link org.vnd.export.kernel.NbdDevice}, whose requests come over sockets to an NBD server of this process.
 *
 * <p>The order for nbd, where {@code nbd.Server} stands for that class of {@code org.vnd.export.nbd}, which this package
 * doesn't know:
 *
 * <pre>
 * // when the queue's thread is made:
 * options.adoptionLimit = NbdDevice.CONNECTIONS;
 * // its ring has nbd.Server.ringOperations(options.connectionLimit, options.adoptionLimit) among its operations
 * // on another thread, which may wait, when the queue's thread serves:
 * NbdShape shape = queue.ask(() -> NbdShape.of(engine, engine.blockSizeBytes()));
 * NbdDevice device = NbdDevice.attach(shape, NbdTimeouts.DEFAULT, "unit and pid", fd -> queue.post(() -> server.adopt(fd)));
 * // once a second: device.lookForPartitions();
 * // to end: device.remove(); // or DeviceBusyException
 * // then, as always, server.stop() on the queue's thread, and so on
 * // after a crash: device = NbdDevice.find("unit and pid"); and, if it isn't null, device.remove();
 * </pre>
 */
package org.vnd.export.kernel;
