package org.vnd.extent;

import java.nio.ByteBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Fiemap;
import org.vnd.sys.abi.FiemapExtent;

/**
 * Reads a file's extents with FS_IOC_FIEMAP, a batch a call into one reusable buffer, so that memory doesn't grow with
 * the file. Dirty data is written out first (FIEMAP_FLAG_SYNC). Says what the file system says: judging the flags is
 * another's work.
 */
public final class FiemapReader implements AutoCloseable {
    /**
     * Extents a call: 56 KiB. Each call looks the first extent up anew, which a thousand make negligible; more would hold
     * the inode's lock longer for nothing.
     */
    static final int BATCH_EXTENTS = 1024;

    private final AlignedBuffer buffer;
    private final ByteBuffer bytes;
    private final int batchExtents;

    public FiemapReader() throws SysException {
        this(BATCH_EXTENTS);
    }

    /** Reads {@code batchExtents} a call. */
    public FiemapReader(int batchExtents) throws SysException {
        this.batchExtents = batchExtents;
        this.buffer = new AlignedBuffer(Fiemap.SIZE_BYTES + batchExtents * FiemapExtent.SIZE_BYTES);
        this.bytes = buffer.bytes();
    }

    /** Takes the extents in ascending order. */
    public interface Receiver {
        void accept(Extent extent) throws SysException;
    }

    /**
     * Gives every extent of the file to {@code receiver}, those past its end too.
     *
     * @return whether the file system marked the final extent, and only that, as the last; true if there is none at all
     * @throws SysException EOPNOTSUPP, ENOTTY: the file system has no FIEMAP; or what the receiver threw
     * @throws MapChangedException an extent lies before the end of the one before it
     */
    public boolean read(int fd, String path, Receiver receiver) throws SysException, MapChangedException {
        return read(fd, path, 0, Long.MAX_VALUE, receiver);
    }

    /**
     * The same of those that have bytes from {@code startBytes} to {@code endBytes}; the first and the last may have others,
     * too. Those behind it needn't be marked.
     */
    boolean read(int fd, String path, long startBytes, long endBytes, Receiver receiver)
            throws SysException, MapChangedException {
        long position = startBytes;
        boolean any = false;
        while (true) {
            int count = readBatch(fd, path, position);
            if (count == 0) {
                // Nothing (more) is mapped, yet the extent before didn't say it was the last.
                return !any;
            }
            any = true;
            for (int index = 0; index < count; index++) {
                Extent extent = extentAt(index);
                boolean covers = startBytes > 0 && position == startBytes && extent.endBytes() > startBytes;
                if ((extent.logicalBytes() < position && !covers)
                        || extent.lengthBytes() <= 0
                        || extent.endBytes() < 0) {
                    throw new MapChangedException(path + ": its extents changed while they were read: byte "
                            + extent.logicalBytes() + " comes after byte " + position);
                }
                if (extent.logicalBytes() >= endBytes) {
                    return true;
                }
                position = extent.endBytes();
                receiver.accept(extent);
                if (extent.has(FiemapExtent.LAST)) {
                    return index == count - 1;
                }
            }
        }
    }

    /**
     * Gives one batch of extents to {@code receiver}, from that which covers {@code startBytes} on; fewer at the end of
     * the file.
     */
    public void readOneBatch(int fd, String path, long startBytes, Receiver receiver) throws SysException {
        int count = readBatch(fd, path, startBytes);
        for (int index = 0; index < count; index++) {
            receiver.accept(extentAt(index));
        }
    }

    private int readBatch(int fd, String path, long startBytes) throws SysException {
        bytes.putLong(Fiemap.START_OFFSET, startBytes)
                .putLong(Fiemap.LENGTH_OFFSET, -1L - startBytes)
                .putInt(Fiemap.FLAGS_OFFSET, Fiemap.FLAG_SYNC)
                .putInt(Fiemap.MAPPED_EXTENTS_OFFSET, 0)
                .putInt(Fiemap.EXTENT_COUNT_OFFSET, batchExtents);
        int result = FileCalls.ioctl(fd, Fiemap.FS_IOC_FIEMAP, buffer.address());
        if (result < 0) {
            throw new SysException("FIEMAP", path, -result);
        }
        int count = bytes.getInt(Fiemap.MAPPED_EXTENTS_OFFSET);
        if (count < 0 || count > batchExtents) {
            throw new SysException("FIEMAP", path, Errno.EOVERFLOW);
        }
        return count;
    }

    private Extent extentAt(int index) {
        int base = Fiemap.EXTENTS_OFFSET + index * FiemapExtent.SIZE_BYTES;
        return new Extent(
                bytes.getLong(base + FiemapExtent.LOGICAL_OFFSET),
                bytes.getLong(base + FiemapExtent.PHYSICAL_OFFSET),
                bytes.getLong(base + FiemapExtent.LENGTH_OFFSET),
                bytes.getInt(base + FiemapExtent.FLAGS_OFFSET));
    }

    @Override
    public void close() {
        buffer.close();
    }
}
