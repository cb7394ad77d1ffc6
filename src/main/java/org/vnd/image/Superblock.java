package org.vnd.image;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/** The block of a device that says which file system is on it, mounted or not: ext4's and XFS's. */
final class Superblock {
    /** Documentation/filesystems/ext4/super.rst: 1024 bytes from the beginning. */
    private static final int EXT_MAGIC_OFFSET = 1024 + 0x38;

    private static final short EXT_MAGIC = (short) 0xEF53;
    private static final int EXT_UUID_OFFSET = 1024 + 0x68;

    /** fs/xfs/libxfs/xfs_format.h: "XFSB". */
    private static final int XFS_MAGIC = 0x4253_4658;

    private static final int XFS_UUID_OFFSET = 32;
    private static final int UUID_BYTES = 16;

    private Superblock() {}

    /** Whether {@code fileSystem}, as {@link FileIdentity#fileSystem} has it, may still be on the device of these numbers. */
    static boolean mayBeOn(int major, int minor, String fileSystem) {
        if (HostDevice.nameOf(major, minor) == null && Files.exists(Path.of("/sys/dev/block"))) {
            return false;
        }
        try (HostDevice device = HostDevice.open(major, minor);
                AlignedBuffer begin = new AlignedBuffer(AlignedBuffer.PAGE_BYTES)) {
            if (device.sizeBytes() == 0) {
                // A loop device that is free.
                return false;
            }
            long length = FileCalls.pread(device.fd(), begin.address(), AlignedBuffer.PAGE_BYTES, 0);
            return length != AlignedBuffer.PAGE_BYTES || mayBe(begin.bytes(), fileSystem);
        } catch (NotPhysicalException | SysException e) {
            return true;
        }
    }

    /**
     * Whether the mounted file systems on these two devices may be the same one, or one a copy of the other: as when it was
     * mounted from another device after umount -l.
     */
    static boolean mayBeSame(DeviceNumber one, DeviceNumber other) {
        byte @Nullable [] uuid = uuid(one);
        byte @Nullable [] otherUuid = uuid(other);
        return uuid == null || otherUuid == null || (Arrays.equals(uuid, otherUuid) && uuid.length > 0);
    }

    /** Of the file system on a device: null if that can't be told, empty if it is no ext4 or XFS. */
    private static byte @Nullable [] uuid(DeviceNumber number) {
        try (HostDevice device = HostDevice.open(number.major(), number.minor());
                AlignedBuffer begin = new AlignedBuffer(AlignedBuffer.PAGE_BYTES)) {
            if (device.sizeBytes() == 0) {
                // A loop device that was taken away under its file system: nothing is written there any more.
                return new byte[0];
            }
            long length = FileCalls.pread(device.fd(), begin.address(), AlignedBuffer.PAGE_BYTES, 0);
            return length == AlignedBuffer.PAGE_BYTES ? uuid(begin.bytes()) : null;
        } catch (NotPhysicalException | SysException e) {
            return null;
        }
    }

    private static byte[] uuid(ByteBuffer begin) {
        byte[] uuid = new byte[UUID_BYTES];
        if (begin.getShort(EXT_MAGIC_OFFSET) == EXT_MAGIC) {
            begin.get(EXT_UUID_OFFSET, uuid);
        } else if (begin.getInt(0) == XFS_MAGIC) {
            begin.get(XFS_UUID_OFFSET, uuid);
        } else {
            return new byte[0];
        }
        return uuid;
    }

    private static boolean mayBe(ByteBuffer begin, String fileSystem) {
        byte[] uuid = uuid(begin);
        if (uuid.length == 0) {
            return false;
        }
        boolean told = begin.getInt(0) == XFS_MAGIC ? fileSystem.startsWith("uuid:") : !fileSystem.isEmpty();
        return !told || FileIdentity.ofUuid(uuid).contains(fileSystem);
    }
}
