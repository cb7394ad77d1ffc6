package org.vnd.image;

import java.nio.ByteBuffer;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statx;

/** What statx(2) says of the open file {@code fd} that nobody may change, and that had {@code sizeBytes} when that began. */
record FrozenFile(int fd, String path, long sizeBytes) {
    static final String REMOVED = "its file was removed, and what it holds ends with the disk";

    /** Whether it is immutable; false if that can't be told. */
    boolean frozen() {
        try {
            return (statx().getLong(Statx.ATTRIBUTES_OFFSET) & Statx.ATTRIBUTE_IMMUTABLE) != 0;
        } catch (SysException e) {
            return false;
        }
    }

    /** Whether it is as long as it was; false if that can't be told. */
    boolean sized() {
        try {
            return statx().getLong(Statx.SIZE_OFFSET) == sizeBytes;
        } catch (SysException e) {
            return false;
        }
    }

    /** That it has no name any more; empty if it has, or that can't be told. */
    String removal() {
        try {
            return statx().getInt(Statx.NLINK_OFFSET) == 0 ? REMOVED : "";
        } catch (SysException e) {
            return "";
        }
    }

    private ByteBuffer statx() throws SysException {
        return FileFacts.statx(fd, path);
    }
}
