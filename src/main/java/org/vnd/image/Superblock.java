package org.vnd.image;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.mem.AlignedBuffer;
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

    private static boolean mayBe(ByteBuffer begin, String fileSystem) {
        byte[] uuid = new byte[UUID_BYTES];
        if (begin.getShort(EXT_MAGIC_OFFSET) == EXT_MAGIC) {
            begin.get(EXT_UUID_OFFSET, uuid);
            return fileSystem.isEmpty() || FileIdentity.ofUuid(uuid).contains(fileSystem);
        }
        if (begin.getInt(0) == XFS_MAGIC) {
            begin.get(XFS_UUID_OFFSET, uuid);
            return !fileSystem.startsWith("uuid:") || FileIdentity.ofUuid(uuid).contains(fileSystem);
        }
        return false;
    }
}
