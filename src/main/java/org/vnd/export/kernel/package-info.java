/**
 * Block devices of this host that the kernel serves by itself: {@link org.vnd.export.kernel.LoopDevice} on the device
 * under the image's file system, for an image in one piece, and {@link org.vnd.export.kernel.DmDevice} on the devices below
 * that one, for an image in any number of pieces on a file system that lies on the device mapper. And what all block
 * devices have: nodes, partitions, users.
 */
package org.vnd.export.kernel;
