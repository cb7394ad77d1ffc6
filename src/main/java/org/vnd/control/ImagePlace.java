package org.vnd.control;

/**
 * Where an image lies, as NetBSD's listing shows it, and what finds it again after a crash, if its name has changed.
 *
 * @param device the node of the block device under its file system, {@code /dev/sda1}; empty if there is none
 * @param deviceMajor major number of the image's {@code st_dev}
 * @param deviceMinor minor number of the image's {@code st_dev}
 * @param mountPoint where that file system is mounted; empty if it can't be told
 * @param inode the image's inode number; 0: nothing is known yet
 * @param path of the image without symbolic links; empty if it can't be told
 * @param fileSystem which file system that is, on whatever device; empty if it can't be told
 * @param handle of the image, name_to_handle_at(2), in hexadecimal; empty if it has none
 */
public record ImagePlace(
        String device,
        long deviceMajor,
        long deviceMinor,
        String mountPoint,
        long inode,
        String path,
        String fileSystem,
        String handle) {
    /** Nothing is known yet. */
    public static final ImagePlace UNKNOWN = new ImagePlace("", 0, 0, "", 0, "", "", "");
}
