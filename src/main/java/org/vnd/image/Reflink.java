package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.Statfs;
import org.vnd.sys.abi.XfsGeometry;

/** Whether blocks of a file can come to be shared with another file, for which a descriptor for reading is enough. */
final class Reflink {
    private Reflink() {}

    /** Of XFS it is asked; what doesn't answer can, until the opposite is known. ext4 can't. */
    static boolean possible(int fd, FileFacts facts) {
        if (facts.fileSystemType() != Statfs.XFS_SUPER_MAGIC) {
            return false;
        }
        ByteBuffer geometry = Libc.struct(XfsGeometry.SIZE_BYTES);
        int result = FileCalls.ioctl(fd, XfsGeometry.XFS_IOC_FSGEOMETRY_V4, Libc.address(geometry));
        Reference.reachabilityFence(geometry);
        return result < 0 || (geometry.getInt(XfsGeometry.FLAGS_OFFSET) & XfsGeometry.FLAG_REFLINK) != 0;
    }
}
