package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.MemoryCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Cachestat;
import org.vnd.sys.abi.CachestatRange;

/**
 * What the host's page cache holds of a file. A page of it that is older than the disk's last write may never be written
 * back, so there must be none when the layout lock is taken and none when it is given up.
 */
final class PageCache {
    /** Pages just read or written stay in the processors' own lists for a moment; a second is generous. */
    private static final int ATTEMPTS = 20;

    private static final int PAUSE_MILLIS = 50;

    /** How much of a file is mapped at once to be asked about, before Linux 6.5. */
    private static final long WINDOW_BYTES = 1L << 30;

    private PageCache() {}

    /**
     * Writes out what is dirty and drops everything.
     *
     * @return how many pages stay in spite of that, because they are mapped or locked, or read again and again
     * @throws SysException EIO: they couldn't be written
     */
    static long empty(int fd, String path, long sizeBytes) throws SysException {
        Libc.check(FileCalls.fsync(fd), "fsync", path);
        long left = 0;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            if (attempt > 0) {
                pause();
            }
            Libc.check(FileCalls.fadvise(fd, 0, 0, FileCalls.POSIX_FADV_DONTNEED), "fadvise", path);
            left = pages(fd, path, sizeBytes);
            if (left == 0) {
                return 0;
            }
        }
        return left;
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** How many pages of the file are cached, in whatever state. */
    static long pages(int fd, String path, long sizeBytes) throws SysException {
        ByteBuffer range = Libc.struct(CachestatRange.SIZE_BYTES);
        ByteBuffer counts = Libc.struct(Cachestat.SIZE_BYTES);
        int result = FileCalls.cachestat(fd, Libc.address(range), Libc.address(counts));
        Reference.reachabilityFence(range);
        Reference.reachabilityFence(counts);
        // EPERM is what seccomp filters older than the call say.
        if (result == -Errno.ENOSYS || result == -Errno.EPERM) {
            return pagesByMapping(fd, path, sizeBytes);
        }
        Libc.check(result, "cachestat", path);
        return counts.getLong(Cachestat.NR_CACHE_OFFSET);
    }

    /** The same by mincore(2), for kernels before 6.5. The mapping is ours, and gone when this returns. */
    static long pagesByMapping(int fd, String path, long sizeBytes) throws SysException {
        long pages = 0;
        try (AlignedBuffer vector = new AlignedBuffer((int) (WINDOW_BYTES / AlignedBuffer.PAGE_BYTES))) {
            for (long at = 0; at < sizeBytes; at += WINDOW_BYTES) {
                long length = Math.min(WINDOW_BYTES, sizeBytes - at);
                // Not even to be read: under mlockall(2) what could be read would be read, all of it, into the cache.
                long address = Libc.check(
                        MemoryCalls.mmap(0, length, MemoryCalls.PROT_NONE, MemoryCalls.MAP_SHARED, fd, at),
                        "mmap",
                        path);
                int result = MemoryCalls.mincore(address, length, vector.address());
                MemoryCalls.munmap(address, length);
                Libc.check(result, "mincore", path);
                int count = (int) ((length + AlignedBuffer.PAGE_BYTES - 1) / AlignedBuffer.PAGE_BYTES);
                for (int page = 0; page < count; page++) {
                    pages += vector.bytes().get(page) & 1;
                }
            }
        }
        return pages;
    }
}
