package org.vnd.image;

import java.nio.ByteBuffer;
import org.vnd.extent.ExtentMap;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/**
 * Reads some blocks by the file and by the device, both past the page cache. A map that doesn't mean what this project
 * takes it to mean shows here before a byte is written.
 */
final class SampleComparison {
    /** Spread over the map: enough that a wrong map has no chance, few enough to take milliseconds. */
    private static final int SAMPLES = 32;

    private SampleComparison() {}

    /**
     * @param fd of the file, which is set to O_DIRECT and stays so: a second open would break our own lease
     * @throws NotPhysicalException they differ
     */
    static void check(int fd, String path, HostDevice device, ExtentMap map) throws NotPhysicalException, SysException {
        Libc.check(FileCalls.fcntl(fd, FileCalls.F_SETFL, FileCalls.O_DIRECT), "set O_DIRECT on", path);
        int block = AlignedBuffer.PAGE_BYTES;
        try (AlignedBuffer byFile = new AlignedBuffer(block);
                AlignedBuffer byDevice = new AlignedBuffer(block)) {
            int samples = Math.min(SAMPLES, 2 * map.count());
            for (int sample = 0; sample < samples; sample++) {
                int extent = (int) ((map.count() - 1L) * sample / (samples - 1));
                // Alternately the first and the last block of a run: an error of length shows in the last.
                long into = sample % 2 == 0 ? 0 : map.endBytes(extent) - map.startBytes(extent) - block;
                read(fd, path, byFile, map.startBytes(extent) + into);
                read(device.fd(), device.name(), byDevice, map.physicalBytes(extent) + into);
                if (!byFile.bytes().equals(byDevice.bytes())) {
                    throw new NotPhysicalException("byte " + (map.startBytes(extent) + into)
                            + " of it isn't where the map says on " + device.name());
                }
            }
        }
    }

    private static void read(int fd, String path, AlignedBuffer buffer, long offset) throws SysException {
        ByteBuffer bytes = buffer.bytes();
        int length = bytes.capacity();
        for (int done = 0; done < length; ) {
            long count = FileCalls.pread(fd, buffer.address() + done, length - done, offset + done);
            Libc.check(count, "read", path);
            if (count == 0) {
                throw new SysException("read at the end of", path, Errno.EIO);
            }
            done += (int) count;
        }
    }
}
