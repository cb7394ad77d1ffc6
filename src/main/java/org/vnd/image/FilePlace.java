package org.vnd.image;

import org.vnd.proc.SmallFile;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * Where a file lies, for people, and what finds it again after its name has changed.
 *
 * @param device the node of the block device under its file system, such as "/dev/sda1"; empty where it has none
 * @param deviceMajor major number of the file's st_dev
 * @param deviceMinor minor number of the file's st_dev
 * @param mountPoint of the file system; empty if not known
 * @param inode number of the file; 0: nothing is known
 * @param path without symbolic links; empty if not known
 * @param fileSystem its identity, {@link FileIdentity#fileSystem}; empty if not known
 * @param handle of the file, {@link FileIdentity#handle}; empty if not known
 */
public record FilePlace(
        String device,
        int deviceMajor,
        int deviceMinor,
        String mountPoint,
        long inode,
        String path,
        String fileSystem,
        String handle) {

    /** Of the file that {@code fd} names, which may be O_PATH. */
    static FilePlace of(int fd, String name) throws SysException {
        FileFacts facts = FileFacts.read(fd, name);
        Mount mount = Mount.of(facts);
        String device = facts.deviceMajor() == 0 ? null : HostDevice.nameOf(facts.deviceMajor(), facts.deviceMinor());
        String path = SmallFile.readLink("/proc/self/fd/" + fd);
        return new FilePlace(
                device == null ? "" : "/dev/" + device,
                facts.deviceMajor(),
                facts.deviceMinor(),
                mount == null ? "" : mount.mountPoint(),
                facts.inode(),
                path,
                fileSystem(path, facts),
                FileIdentity.handle(fd));
    }

    /** By its folder: the file itself may be leased, and isn't opened. */
    private static String fileSystem(String path, FileFacts facts) throws SysException {
        int folder = FileCalls.open(
                path.substring(0, path.lastIndexOf('/') + 1), FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
        if (folder < 0) {
            return "";
        }
        try {
            // A file may be a mount point.
            return FileFacts.isOn(folder, facts.deviceMajor(), facts.deviceMinor())
                    ? FileIdentity.fileSystem(folder)
                    : "";
        } finally {
            FileCalls.close(folder);
        }
    }
}
