package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.DmRequest;
import org.vnd.sys.Errno;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.DmIoctl;

/** Reads the table of the dm device that a file system is mounted from. */
final class MountedTable {
    private static final int FIRST_BYTES = 16 * 1024;

    /** More than 10,000 lines; LVM has one for each piece of a volume, of which there are few. */
    private static final int LIMIT_BYTES = 1 << 20;

    private final int control;
    private final int major;
    private final int minor;
    private ByteBuffer memory = Libc.struct(FIRST_BYTES);

    /** Of the device {@code major}:{@code minor}. */
    MountedTable(int control, int major, int minor) {
        this.control = control;
        this.major = major;
        this.minor = minor;
    }

    /** The table as it is at work now. */
    List<DmTarget> read() throws IOException {
        while (true) {
            DmRequest status = new DmRequest(memory)
                    .device(new DeviceNumber(major, minor))
                    .flags(DmIoctl.DM_STATUS_TABLE_FLAG | DmIoctl.DM_NOFLUSH_FLAG);
            int result = status.send(control, DmIoctl.DM_TABLE_STATUS);
            if (result == -Errno.ENXIO) {
                throw new IOException("its file system isn't on a device of the device mapper");
            }
            if (result < 0) {
                throw new SysException("read the table of", major + ":" + minor, -result);
            }
            if (!status.has(DmIoctl.DM_BUFFER_FULL_FLAG)) {
                return DmTarget.parse(status.data(), status.targets());
            }
            if (memory.capacity() >= LIMIT_BYTES) {
                throw new IOException("the table of the dm device under its file system is too long");
            }
            memory = Libc.struct(4 * memory.capacity());
        }
    }
}
