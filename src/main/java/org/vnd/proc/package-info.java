/**
 * What /proc and /sys tell of this machine: who uses a file, a folder or a device. Nothing here asks a server, because one of
 * FUSE or NFS that is dead answers nobody, and no file is held in memory whole that others can make long.
 *
 * <p>{@link org.vnd.proc.Search} is the way in.
 */
package org.vnd.proc;
