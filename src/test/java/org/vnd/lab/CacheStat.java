package org.vnd.lab;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/** What the host's page cache holds of a file or device, by cachestat(2) of Linux 6.5. */
public final class CacheStat {
    private CacheStat() {}

    /** Pages of {@code [offset, offset + length)} of {@code file} that are in the cache. */
    public static long cachedPages(Path file, long offset, long length) throws IOException {
        int flags = FileCalls.O_RDONLY | FileCalls.O_NONBLOCK;
        int fd = (int) Libc.check(FileCalls.open(file.toString(), flags), "open", file.toString());
        ByteBuffer range = Libc.struct(16).putLong(0, offset).putLong(8, length);
        ByteBuffer result = Libc.struct(40);
        try {
            Libc.check(
                    FileCalls.cachestat(fd, Libc.address(range), Libc.address(result)), "cachestat", file.toString());
            return result.getLong(0);
        } finally {
            Reference.reachabilityFence(range);
            FileCalls.close(fd);
        }
    }

    /** Of the whole file. */
    public static long cachedPages(Path file) throws IOException {
        // A length of 0 means to the end.
        return cachedPages(file, 0, 0);
    }
}
