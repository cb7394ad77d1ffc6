/**
 * Block devices of this host that the kernel serves by itself: {@link org.vnd.export.kernel.LoopDevice} on the device
 * under the image's file system. And what all block devices have: nodes, partitions, users.
 */
package org.vnd.export.kernel;
