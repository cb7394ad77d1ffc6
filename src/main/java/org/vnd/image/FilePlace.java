package org.vnd.image;

import org.jspecify.annotations.Nullable;

/**
 * Where a file lies, for people.
 *
 * @param device the node of the block device under its file system, such as "/dev/sda1"; empty where it has none
 * @param deviceMajor major number of the file's st_dev
 * @param deviceMinor minor number of the file's st_dev
 * @param mountPoint of the file system; empty if not known
 * @param inode number of the file
 */
public record FilePlace(String device, int deviceMajor, int deviceMinor, String mountPoint, long inode) {
    static FilePlace of(FileFacts facts, @Nullable Mount mount) {
        String name = facts.deviceMajor() == 0 ? null : HostDevice.nameOf(facts.deviceMajor(), facts.deviceMinor());
        return new FilePlace(
                name == null ? "" : "/dev/" + name,
                facts.deviceMajor(),
                facts.deviceMinor(),
                mount == null ? "" : mount.mountPoint(),
                facts.inode());
    }
}
