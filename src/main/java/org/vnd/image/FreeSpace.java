package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statfs;

/**
 * What a file system has left, statfs(2). One that has no end, as a tmpfs may, has {@link Long#MAX_VALUE}.
 *
 * @param freeBytes all of it
 * @param availableBytes what users other than root can have of it
 */
record FreeSpace(long freeBytes, long availableBytes) {
    /** Asks about the file system of the open file {@code fd}. */
    static FreeSpace of(int fd, String path) throws SysException {
        ByteBuffer answer = Libc.struct(Statfs.SIZE_BYTES);
        Libc.check(FileCalls.fstatfs(fd, Libc.address(answer)), "statfs", path);
        Reference.reachabilityFence(answer);
        if (answer.getLong(Statfs.F_BLOCKS_OFFSET) == 0) {
            return new FreeSpace(Long.MAX_VALUE, Long.MAX_VALUE);
        }
        long blockBytes = answer.getLong(Statfs.F_BSIZE_OFFSET);
        return new FreeSpace(
                answer.getLong(Statfs.F_BFREE_OFFSET) * blockBytes,
                answer.getLong(Statfs.F_BAVAIL_OFFSET) * blockBytes);
    }
}
