package org.vnd.mem;

import java.nio.ByteBuffer;
import org.vnd.sys.Libc;
import org.vnd.sys.MemoryCalls;
import org.vnd.sys.SysException;

/** Anonymous memory from mmap(2), page-aligned as O_DIRECT wants it, populated, and locked where that is allowed. */
public final class AlignedBuffer implements AutoCloseable {
    /** The page size of every machine this runs on, and the largest logical block a disk may have. */
    public static final int PAGE_BYTES = 4096;

    private static final int HUGE_PAGE_BYTES = 2 << 20;

    private final long address;
    private final int sizeBytes;
    private final long mappedBytes;
    private final ByteBuffer bytes;
    private final boolean locked;
    private boolean open = true;

    /**
     * Maps {@code sizeBytes}, rounded up to whole pages, at most {@link Integer#MAX_VALUE} less a page. It is zeroed.
     *
     * @throws SysException ENOMEM, if there isn't so much memory
     */
    public AlignedBuffer(int sizeBytes) throws SysException {
        if (sizeBytes <= 0 || sizeBytes > Integer.MAX_VALUE - PAGE_BYTES) {
            throw new IllegalArgumentException("size of a buffer: " + sizeBytes);
        }
        this.sizeBytes = (sizeBytes + PAGE_BYTES - 1) & -PAGE_BYTES;
        // Whole huge pages from the first on: since Linux 6.12 only such a mapping begins at a huge page's boundary.
        boolean huge = this.sizeBytes >= HUGE_PAGE_BYTES;
        this.mappedBytes = huge ? (this.sizeBytes + HUGE_PAGE_BYTES - 1L) & -HUGE_PAGE_BYTES : this.sizeBytes;
        this.address = map(mappedBytes);
        this.bytes = Libc.view(address, this.sizeBytes);
        this.locked = MemoryCalls.mlock(address, mappedBytes) == 0;
        if (!locked) {
            populate();
        }
    }

    private static long map(long sizeBytes) throws SysException {
        int flags = MemoryCalls.MAP_PRIVATE | MemoryCalls.MAP_ANONYMOUS;
        // After mlockall(MCL_FUTURE), memory that can be written gets its pages, small ones, within mmap.
        long address = Libc.check(
                MemoryCalls.mmap(0, sizeBytes, MemoryCalls.PROT_NONE, flags, -1, 0), "mmap", sizeBytes + " bytes");
        if (sizeBytes >= HUGE_PAGE_BYTES) {
            // A wish: fewer TLB misses in a large map, cheaper large transfers, and a quicker start.
            MemoryCalls.madvise(address, sizeBytes, MemoryCalls.MADV_HUGEPAGE);
        }
        int result = MemoryCalls.mprotect(address, sizeBytes, MemoryCalls.PROT_READ | MemoryCalls.PROT_WRITE);
        if (result < 0) {
            MemoryCalls.munmap(address, sizeBytes);
            throw new SysException("mprotect", sizeBytes + " bytes", -result);
        }
        return address;
    }

    private void populate() {
        for (int page = 0; page < sizeBytes; page += PAGE_BYTES) {
            bytes.put(page, (byte) 0);
        }
    }

    /** The address of the first byte. */
    public long address() {
        return address;
    }

    /** The size in bytes, whole pages. */
    public int sizeBytes() {
        return sizeBytes;
    }

    /** The whole of it in native byte order; shared by all users, so absolute accesses only. */
    public ByteBuffer bytes() {
        return bytes;
    }

    /** Whether mlock(2) succeeded; without it (RLIMIT_MEMLOCK) the kernel may page the buffer out. */
    public boolean locked() {
        return locked;
    }

    /** Where in {@link #bytes} an address lies that must be in this buffer. */
    public int indexOf(long memoryAddress) {
        long index = memoryAddress - address;
        assert index >= 0 && index < sizeBytes : "address outside of the buffer";
        return (int) index;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            MemoryCalls.munmap(address, mappedBytes);
        }
    }
}
