package org.vnd.control;

/**
 * Where an image lies, as NetBSD's listing shows it.
 *
 * @param device the node of the block device under its file system, {@code /dev/sda1}; empty if there is none
 * @param deviceMajor major number of the image's {@code st_dev}
 * @param deviceMinor minor number of the image's {@code st_dev}
 * @param mountPoint where that file system is mounted; empty if it can't be told
 * @param inode the image's inode number
 */
public record ImagePlace(String device, long deviceMajor, long deviceMinor, String mountPoint, long inode) {
    /** Nothing is known yet. */
    public static final ImagePlace UNKNOWN = new ImagePlace("", 0, 0, "", 0);
}
