package org.vnd.export.fuse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.KernelDevice;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.MountCalls;
import org.vnd.sys.SysException;

/**
 * The file system with one file that a {@link Server} answers for, mounted on a folder by mount(2), which takes
 * CAP_SYS_ADMIN. Nothing here may be called on the thread that serves it.
 */
public final class FuseMount implements KernelDevice {
    private static final String DEVICE = "/dev/fuse";

    private final Path folder;
    private boolean mounted = true;

    private FuseMount(Path folder) {
        this.folder = folder;
    }

    /**
     * Opens /dev/fuse for one {@link #mount} and one {@link Server}.
     *
     * @throws SysException ENOENT, ENODEV: the kernel has no FUSE; EACCES, EPERM: not for this user, or not in this container
     */
    public static int openDevice() throws SysException {
        return (int) Libc.check(FileCalls.open(DEVICE, FileCalls.O_RDWR | FileCalls.O_NONBLOCK), "open", DEVICE);
    }

    /** Whether the kernel has FUSE, be there a node of it or not. */
    public static boolean isKnown() {
        try {
            return Files.readAllLines(Path.of("/proc/filesystems")).contains("nodev\tfuse");
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Mounts on {@code folder}, which exists. It is there at once, and answers as soon as the server is started; until then
     * whoever looks at it waits, so the server must be started whatever happens next.
     *
     * @param source what /proc/mounts shows as the device
     * @throws SysException EPERM without CAP_SYS_ADMIN; ENOENT, ENOTDIR for a folder that isn't one
     */
    public static FuseMount mount(int fuseFd, Path folder, String source, boolean readOnly) throws IOException {
        Path place = folder.toRealPath();
        int flags = MountCalls.MS_NOSUID
                | MountCalls.MS_NODEV
                | MountCalls.MS_NOEXEC
                | (readOnly ? MountCalls.MS_RDONLY : 0);
        // The kernel looks at the mode, 0600; others than the owner may see that the file is there.
        String options = "fd=" + fuseFd + ",rootmode=40000,user_id=" + userId() + ",group_id=" + groupId()
                + ",default_permissions,allow_other," + maximumRead();
        int result = MountCalls.mount(source, place.toString(), "fuse.vnd", flags, options);
        Libc.check(result, "mount", place.toString());
        return new FuseMount(place);
    }

    /** How much the kernel may want of one read: what it reads for itself has no other limit. */
    static String maximumRead() {
        return "max_read=" + (RingEntries.offered() ? RingEntries.TRANSFER_BYTES : Session.TRANSFER_BYTES);
    }

    /** The effective user, whose files they are. */
    public static int userId() {
        return identity("unix:uid");
    }

    static int groupId() {
        return identity("unix:gid");
    }

    private static int identity(String attribute) {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc/self"), attribute);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String export() {
        return "fuse";
    }

    /** The disk's file. */
    @Override
    public String node() {
        return folder.resolve("disk").toString();
    }

    /** Unmounts, if nobody has the file open, or a shell its folder. */
    @Override
    public void remove() throws IOException {
        int result = mounted ? MountCalls.unmount(folder.toString(), MountCalls.UMOUNT_NOFOLLOW) : 0;
        if (result == -Errno.EBUSY) {
            throw new DeviceBusyException(Users.of(folder));
        }
        // EINVAL: not a mount any more.
        if (result != -Errno.EINVAL && result != -Errno.ENOENT) {
            Libc.check(result, "umount", folder.toString());
        }
        mounted = false;
    }
}
