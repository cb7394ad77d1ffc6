package org.vnd.mem;

/**
 * Hands out runs of pages of one arena. A request's buffer is one run, so data is never in pieces; what doesn't fit waits
 * at the caller, which is how a full pool slows a client down instead of growing.
 *
 * <p>A bitmap, a bit a page; the lowest run that fits is taken, so that a few small requests use the same few pages, which
 * are in the processor's cache, over and over. The longest search of a 64 MiB arena reads 256 words. One thread owns a
 * pool.
 */
public final class BufferPool {
    /** No run is free that is long enough. */
    public static final int NONE = -1;

    private final AlignedBuffer arena;
    private final int pages;
    private final long[] used;
    /** No page below this one is free. */
    private int lowestPage;

    private int freePages;

    /** A pool over all of {@code arena}. */
    public BufferPool(AlignedBuffer arena) {
        this.arena = arena;
        this.pages = arena.sizeBytes() / AlignedBuffer.PAGE_BYTES;
        this.used = new long[(pages + 63) / 64];
        this.freePages = pages;
    }

    /** The memory the runs are of. */
    public AlignedBuffer arena() {
        return arena;
    }

    /** Bytes that no run holds. */
    public long freeBytes() {
        return (long) freePages * AlignedBuffer.PAGE_BYTES;
    }

    /** How many pages {@code sizeBytes} take. */
    public static int pagesFor(int sizeBytes) {
        return (sizeBytes + AlignedBuffer.PAGE_BYTES - 1) / AlignedBuffer.PAGE_BYTES;
    }

    /** Takes a run of at least {@code sizeBytes} > 0; its index in the arena in bytes, page-aligned, or {@link #NONE}. */
    public int acquire(int sizeBytes) {
        assert sizeBytes > 0;
        int count = pagesFor(sizeBytes);
        if (count > freePages) {
            return NONE;
        }
        int page = find(lowestPage, pages, count);
        if (page == NONE) {
            return NONE;
        }
        mark(page, count, true);
        freePages -= count;
        if (page == lowestPage) {
            lowestPage += count;
        }
        return page * AlignedBuffer.PAGE_BYTES;
    }

    /** Gives back what {@link #acquire} gave for {@code sizeBytes}. */
    public void release(int index, int sizeBytes) {
        assert index >= 0 && index % AlignedBuffer.PAGE_BYTES == 0;
        int page = index / AlignedBuffer.PAGE_BYTES;
        int count = pagesFor(sizeBytes);
        mark(page, count, false);
        freePages += count;
        lowestPage = Math.min(lowestPage, page);
    }

    /** Marks pages as used, or as free, a word of the map at a time: the runs of an export are up to five words long. */
    private void mark(int page, int count, boolean taken) {
        int end = page + count;
        int at = page;
        while (at < end) {
            int word = at >>> 6;
            int next = Math.min(end, (word + 1) << 6);
            long bits = -1L >>> (64 - (next - at)) << (at & 63);
            assert (used[word] & bits) == (taken ? 0 : bits) : taken ? "taken twice" : "released twice";
            used[word] ^= bits;
            at = next;
        }
    }

    /** The first page of a free run of {@code count} within [from, to), or {@link #NONE}. */
    private int find(int from, int to, int count) {
        int start = from;
        while (start + count <= to) {
            int end = nextUsed(start, start + count);
            if (end == start + count) {
                return start;
            }
            start = nextFree(end, to);
        }
        return NONE;
    }

    private int nextUsed(int from, int to) {
        int word = from >>> 6;
        long bits = used[word] & -1L << (from & 63);
        while (bits == 0) {
            word++;
            if (word << 6 >= to) {
                return to;
            }
            bits = used[word];
        }
        return Math.min(to, (word << 6) + Long.numberOfTrailingZeros(bits));
    }

    private int nextFree(int from, int to) {
        int word = from >>> 6;
        long bits = ~used[word] & -1L << (from & 63);
        while (bits == 0) {
            word++;
            if (word << 6 >= to) {
                return to;
            }
            bits = ~used[word];
        }
        return Math.min(to, (word << 6) + Long.numberOfTrailingZeros(bits));
    }
}
