package org.vnd.image;

import java.nio.ByteBuffer;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statx;

/** What can be seen of a file that nobody may change, of {@code sizeBytes} when that began; of what can't be seen, the worst. */
record FrozenFile(int fd, String path, long sizeBytes) {
    static final String REMOVED = "its file was removed, and what it holds ends with the disk";

    /** Whether it is immutable. */
    boolean frozen() {
        try {
            return (statx().getLong(Statx.ATTRIBUTES_OFFSET) & Statx.ATTRIBUTE_IMMUTABLE) != 0;
        } catch (SysException e) {
            return false;
        }
    }

    /** Whether it is as long as it was. */
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
