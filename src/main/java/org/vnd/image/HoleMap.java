package org.vnd.image;

import org.jspecify.annotations.Nullable;
import org.vnd.extent.Extent;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.extent.FiemapReader;
import org.vnd.extent.MapChangedException;
import org.vnd.extent.MapReader;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FiemapExtent;
import org.vnd.sys.abi.Statfs;

/** Tells where a file has written blocks and where not; where those are is its file system's business. */
final class HoleMap implements FiemapReader.Receiver {
    private final ExtentMapBuilder builder;
    private final boolean reservedToo;

    private HoleMap(ExtentMapBuilder builder, boolean reservedToo) {
        this.builder = builder;
        this.reservedToo = reservedToo;
    }

    /**
     * Whether lseek(2) tells of holes, with no server to ask: so it is in tmpfs, and wherever FIEMAP, which is for local file
     * systems, answers.
     */
    static boolean tells(int fd, String path, FileFacts facts) throws SysException {
        if (facts.fileSystemType() == Statfs.TMPFS_MAGIC) {
            return true;
        }
        try (FiemapReader reader = new FiemapReader(1)) {
            reader.readOneBatch(fd, path, 0, extent -> {});
            return true;
        } catch (SysException e) {
            return unknown(e);
        }
    }

    /** False if FIEMAP isn't known there; else what was thrown. */
    private static boolean unknown(SysException e) throws SysException {
        if (e.errno() == Errno.EOPNOTSUPP || e.errno() == Errno.ENOTTY || e.errno() == Errno.EINVAL) {
            return false;
        }
        throw e;
    }

    /** Reads the map of the open file {@code fd}; null where the file system doesn't tell. */
    static @Nullable ExtentMap read(int fd, String path, long sizeBytes) throws SysException {
        return read(fd, path, sizeBytes, false);
    }

    /** The same, in which blocks that are reserved and were never written are no holes. */
    static @Nullable ExtentMap readReserved(int fd, String path, long sizeBytes) throws SysException {
        return read(fd, path, sizeBytes, true);
    }

    /**
     * Whether a byte has storage by lseek(2), where FIEMAP isn't known, as in tmpfs; null if that can't tell either. Linux
     * answers for a file system that doesn't know: all is data (generic_file_llseek_size of fs/read_write.c).
     */
    static @Nullable ExtentMap bySeeking(int fd, String path, long sizeBytes) throws SysException {
        try (ExtentMapBuilder builder = new ExtentMapBuilder(sizeBytes)) {
            long dataBytes = 0;
            for (long at = 0; at < sizeBytes; ) {
                long data = FileCalls.seek(fd, at, FileCalls.SEEK_DATA);
                if (data == -Errno.ENXIO) {
                    break;
                }
                long hole = data < 0 ? data : FileCalls.seek(fd, data, FileCalls.SEEK_HOLE);
                if (hole < 0) {
                    return null;
                }
                if (data < sizeBytes) {
                    builder.addData(data, data, hole - data);
                    dataBytes += hole - data;
                }
                at = hole;
            }
            boolean all = dataBytes >= sizeBytes;
            return all && FileFacts.storedBytes(fd, path) < sizeBytes ? null : builder.build();
        }
    }

    private static @Nullable ExtentMap read(int fd, String path, long sizeBytes, boolean reservedToo)
            throws SysException {
        try {
            return MapReader.read(fd, path, sizeBytes, MapReader.threads(), part -> new HoleMap(part, reservedToo));
        } catch (MapChangedException e) {
            return null;
        } catch (SysException e) {
            unknown(e);
            return null;
        }
    }

    @Override
    public void accept(Extent extent) throws SysException {
        if (reservedToo || !extent.has(FiemapExtent.UNWRITTEN)) {
            builder.addData(extent.logicalBytes(), Math.max(0, extent.physicalBytes()), extent.lengthBytes());
        }
    }
}
