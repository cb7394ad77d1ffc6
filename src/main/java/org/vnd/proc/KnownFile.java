package org.vnd.proc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.Statx;

/**
 * Which file it is, as far as the kernel knows by itself: stat(2) would ask the server of a file of FUSE or NFS, and wait for
 * it for ever if it is dead.
 *
 * @param device that the file is on
 * @param mode type and permissions
 * @param node which device it is a node of
 */
public record KnownFile(DeviceNumber device, long inode, int mode, DeviceNumber node) {

    /** What a link of /proc leads to, such as {@code /proc/1/fd/0}: the file itself, not its path. Null if it is gone. */
    public static @Nullable KnownFile behind(String procLink) {
        ByteBuffer status = Libc.struct(Statx.SIZE_BYTES);
        int result = FileCalls.statxKnown(procLink, Statx.MASK_BASIC_STATS, Libc.address(status));
        Reference.reachabilityFence(status);
        return result < 0 ? null : of(status);
    }

    /**
     * What is at {@code path}, if the kernel needn't ask for any part of it, as of what is open, swapped to or under a loop
     * device; null if there is nothing, or it would. Needs Linux 5.12.
     */
    public static @Nullable KnownFile at(String path) {
        int fd = FileCalls.openCached(path, FileCalls.O_PATH);
        if (fd < 0) {
            return null;
        }
        try {
            return behind("/proc/self/fd/" + fd);
        } finally {
            FileCalls.close(fd);
        }
    }

    private static KnownFile of(ByteBuffer status) {
        return new KnownFile(
                new DeviceNumber(status.getInt(Statx.DEV_MAJOR_OFFSET), status.getInt(Statx.DEV_MINOR_OFFSET)),
                status.getLong(Statx.INO_OFFSET),
                status.getShort(Statx.MODE_OFFSET) & 0xFFFF,
                new DeviceNumber(status.getInt(Statx.RDEV_MAJOR_OFFSET), status.getInt(Statx.RDEV_MINOR_OFFSET)));
    }

    /** Whether {@code other}, which may be null, is this file. */
    public boolean isSameAs(@Nullable KnownFile other) {
        return other != null && other.inode == inode && other.device.equals(device);
    }

    /** Whether it is a node of the block device {@code number}. */
    public boolean isBlockNodeOf(DeviceNumber number) {
        return (mode & Statx.MODE_TYPE) == Statx.MODE_BLOCK_DEVICE && node.equals(number);
    }
}
