package org.vnd.image;

import org.jspecify.annotations.Nullable;
import org.vnd.extent.Extent;
import org.vnd.sys.abi.FiemapExtent;

/**
 * What an extent must be for its blocks to be written behind the file system.
 *
 * @param blockBytes the file system's block
 * @param deviceBytes size of the device it is on
 */
record ExtentRules(long blockBytes, long deviceBytes) {
    private static final int SOUND_FLAGS = FiemapExtent.LAST | FiemapExtent.MERGED;

    static ExtentRules of(FileFacts facts, HostDevice device) {
        return new ExtentRules(facts.blockBytes(), device.sizeBytes());
    }

    /** Why the disk can't use the blocks of {@code extent}, or null. */
    @Nullable
    String problemOf(Extent extent) {
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
}
