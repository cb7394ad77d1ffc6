package org.vnd.image;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.Extent;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.extent.FiemapReader;
import org.vnd.extent.MapChangedException;
import org.vnd.sys.Errno;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FiemapExtent;

/** Reads a file's map for the physical engine, and refuses one that doesn't name a written block for every byte. */
final class PhysicalMap {
    private static final int SOUND_FLAGS = FiemapExtent.LAST | FiemapExtent.MERGED;

    private final long sizeBytes;
    private final long blockBytes;
    private final long deviceBytes;
    private final ExtentMapBuilder builder;
    private @Nullable String problem;

    private PhysicalMap(FileFacts facts, HostDevice device, ExtentMapBuilder builder) {
        this.sizeBytes = facts.sizeBytes();
        this.blockBytes = facts.blockBytes();
        this.deviceBytes = device.sizeBytes();
        this.builder = builder;
    }

    /**
     * The map of the open file {@code fd}, complete and without holes.
     *
     * @throws NotPhysicalException an extent isn't what it has to be, or one is missing
     */
    static ExtentMap read(int fd, String path, FileFacts facts, HostDevice device)
            throws NotPhysicalException, SysException {
        try (FiemapReader reader = new FiemapReader();
                ExtentMapBuilder builder = new ExtentMapBuilder(facts.sizeBytes())) {
            PhysicalMap reading = new PhysicalMap(facts, device, builder);
            boolean complete = reader.read(fd, path, reading::accept);
            if (reading.problem == null && !complete) {
                reading.problem = "its file system doesn't say which extent is the last";
            }
            if (reading.problem != null) {
                throw new NotPhysicalException(reading.problem);
            }
            return withoutHoles(builder.build());
        } catch (MapChangedException e) {
            throw new NotPhysicalException("its extents changed while they were read", e);
        }
    }

    private static ExtentMap withoutHoles(ExtentMap map) throws NotPhysicalException {
        int holes = 0;
        for (int index = 0; index < map.count(); index++) {
            if (map.hole(index)) {
                holes++;
            }
        }
        if (holes > 0) {
            map.close();
            throw new NotPhysicalException(
                    "it is sparse (" + holes + (holes == 1 ? " hole" : " holes") + "): --allocate fills it");
        }
        return map;
    }

    /** The first problem is kept; the rest of the map is then of no interest. */
    private void accept(Extent extent) throws SysException {
        if (problem != null || extent.logicalBytes() >= sizeBytes) {
            // What is allocated past the end of the file isn't the disk's.
            return;
        }
        problem = problemOf(extent);
        if (problem == null) {
            builder.addData(extent.logicalBytes(), extent.physicalBytes(), extent.lengthBytes());
        }
    }

    private @Nullable String problemOf(Extent extent) {
        String byFlag = problemOf(extent.flags());
        if (byFlag != null) {
            return byFlag;
        }
        long bits = extent.logicalBytes() | extent.physicalBytes() | extent.lengthBytes();
        if (bits % blockBytes != 0) {
            return "an extent of it isn't aligned to blocks of " + blockBytes + " bytes";
        }
        if (extent.physicalBytes() <= 0 || extent.physicalBytes() > deviceBytes - extent.lengthBytes()) {
            return "an extent of it lies outside of the device";
        }
        return null;
    }

    private static @Nullable String problemOf(int flags) {
        if ((flags & ~SOUND_FLAGS) == 0) {
            return null;
        }
        if ((flags & FiemapExtent.SHARED) != 0) {
            return "it shares blocks with another file (reflink)";
        }
        if ((flags & FiemapExtent.UNWRITTEN) != 0) {
            return "it has blocks that were reserved but never written: --allocate writes zeros to them";
        }
        if ((flags & FiemapExtent.DATA_INLINE) != 0) {
            return "its data is inside its inode (inline_data)";
        }
        if ((flags & FiemapExtent.DATA_ENCRYPTED) != 0) {
            return "it is encrypted by its file system";
        }
        if ((flags & FiemapExtent.ENCODED) != 0) {
            return "it is compressed or encoded by its file system";
        }
        if ((flags & (FiemapExtent.DELALLOC | FiemapExtent.UNKNOWN)) != 0) {
            return "the place of some of its data isn't decided yet";
        }
        return "its file system says of some of its blocks what vnd doesn't know (FIEMAP flags 0x"
                + Integer.toHexString(flags) + ")";
    }

    /** The map of a file that the file system writes to: only for what is a hole; null where FIEMAP doesn't answer. */
    static @Nullable ExtentMap readHoles(int fd, String path, long sizeBytes) throws IOException {
        try (FiemapReader reader = new FiemapReader();
                ExtentMapBuilder builder = new ExtentMapBuilder(sizeBytes)) {
            boolean complete = reader.read(fd, path, extent -> addIfWritten(builder, extent));
            return complete ? builder.build() : null;
        } catch (MapChangedException e) {
            return null;
        } catch (SysException e) {
            if (e.errno() == Errno.EOPNOTSUPP || e.errno() == Errno.ENOTTY || e.errno() == Errno.EINVAL) {
                return null;
            }
            throw e;
        }
    }

    private static void addIfWritten(ExtentMapBuilder builder, Extent extent) throws SysException {
        if (!extent.has(FiemapExtent.UNWRITTEN)) {
            builder.addData(extent.logicalBytes(), Math.max(0, extent.physicalBytes()), extent.lengthBytes());
        }
    }
}
