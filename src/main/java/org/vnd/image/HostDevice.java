package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.BlockIoctls;
import org.vnd.sys.abi.Statx;

/** The block device that a file system is on, found by its number and open for reading with O_DIRECT. */
final class HostDevice implements AutoCloseable {
    private final String name;
    private final int fd;
    private final long sizeBytes;
    private final int blockBytes;

    private HostDevice(String name, int fd) throws SysException {
        this.name = name;
        this.fd = fd;
        this.sizeBytes = ask(BlockIoctls.BLKGETSIZE64, "BLKGETSIZE64");
        this.blockBytes = (int) ask(BlockIoctls.BLKSSZGET, "BLKSSZGET");
    }

    private long ask(long request, String call) throws SysException {
        ByteBuffer answer = Libc.struct(Long.BYTES);
        Libc.check(FileCalls.ioctl(fd, request, Libc.address(answer)), call, name);
        Reference.reachabilityFence(answer);
        return answer.getLong(0);
    }

    /** Opens the device {@code major}:{@code minor}; by a node of its own where /dev lacks one, as in a container. */
    static HostDevice open(int major, int minor) throws NotPhysicalException {
        String number = major + ":" + minor;
        String name = nameOf(major, minor);
        int fd = major == 0 || name == null ? -Errno.ENODEV : FileCalls.open("/dev/" + name, flags(false));
        if (fd >= 0 && !isDevice(fd, major, minor)) {
            FileCalls.close(fd);
            fd = -Errno.ENOENT;
        }
        if (fd == -Errno.ENOENT) {
            fd = openPrivateNode(major, minor);
        }
        if (name == null || fd == -Errno.ENODEV) {
            throw new NotPhysicalException("its file system has no block device of its own (" + number + ")");
        }
        if (fd < 0) {
            throw new NotPhysicalException("/dev/" + name + " can't be opened: " + Errno.message(-fd));
        }
        try {
            return new HostDevice("/dev/" + name, fd);
        } catch (SysException e) {
            FileCalls.close(fd);
            throw new NotPhysicalException(String.valueOf(e.getMessage()), e);
        }
    }

    private static int flags(boolean writable) {
        return (writable ? FileCalls.O_RDWR : FileCalls.O_RDONLY) | FileCalls.O_DIRECT;
    }

    /** The kernel's name for the device, or null if it has no such device. */
    static @Nullable String nameOf(int major, int minor) {
        String events = SmallFile.read(new DeviceNumber(major, minor).folder() + "/uevent");
        if (events == null) {
            return null;
        }
        int start = ("\n" + events).indexOf("\nDEVNAME=");
        return start < 0 ? null : events.substring(start + "DEVNAME=".length(), (events + "\n").indexOf('\n', start));
    }

    private static int openPrivateNode(int major, int minor) {
        // In /dev, because other file systems are commonly mounted with nodev.
        // Somebody in another container may have our process id, and who was killed here may have left his.
        String path = "/dev/.vnd-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        int made = FileCalls.makeBlockNode(path, major, minor);
        if (made < 0) {
            return made;
        }
        int fd = FileCalls.open(path, flags(false));
        FileCalls.unlink(path);
        return fd;
    }

    private static boolean isDevice(int fd, int major, int minor) {
        try {
            ByteBuffer status = FileFacts.statx(fd, "");
            return (status.getShort(Statx.MODE_OFFSET) & Statx.MODE_TYPE) == Statx.MODE_BLOCK_DEVICE
                    && status.getInt(Statx.RDEV_MAJOR_OFFSET) == major
                    && status.getInt(Statx.RDEV_MINOR_OFFSET) == minor;
        } catch (SysException e) {
            return false;
        }
    }

    /** Such as "/dev/sda1"; that path may not exist. */
    String name() {
        return name;
    }

    /** Open for reading. */
    int fd() {
        return fd;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** The logical block size, to which O_DIRECT is bound. */
    int blockBytes() {
        return blockBytes;
    }

    /** A descriptor of its own for the disk's I/O, O_DIRECT. */
    int openForDisk(boolean writable) throws NotPhysicalException {
        int disk = FileCalls.open("/proc/self/fd/" + fd, flags(writable));
        if (disk == -Errno.EBUSY) {
            throw new NotPhysicalException("this kernel lets nobody write to the mounted " + name);
        }
        if (disk < 0) {
            throw new NotPhysicalException(name + " can't be opened for writing: " + Errno.message(-disk));
        }
        return disk;
    }

    @Override
    public void close() {
        FileCalls.close(fd);
    }
}
