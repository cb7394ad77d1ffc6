/**
 * Block devices of this host that the kernel serves by itself: {@link org.vnd.export.kernel.LoopDevice} on the device under
 * the image's file system, or on a file that another export serves.
 */
package org.vnd.export.kernel;
