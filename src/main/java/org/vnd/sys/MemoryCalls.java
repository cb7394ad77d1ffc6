package org.vnd.sys;

/** System calls on this process's memory and protection. Each returns a value ≥ 0 or a negated errno; see {@link Libc}. */
public final class MemoryCalls {
    // include/uapi/asm-generic/mman-common.h
    public static final int PROT_NONE = 0;
    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;
    public static final int MAP_SHARED = 0x01;
    public static final int MAP_PRIVATE = 0x02;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int MAP_POPULATE = 0x8000;
    public static final int MADV_HUGEPAGE = 14;

    // include/uapi/asm-generic/mman.h
    public static final int MCL_CURRENT = 1;
    public static final int MCL_FUTURE = 2;
    public static final int MCL_ONFAULT = 4;

    private static final long MMAP = Libc.symbol("mmap");
    private static final long MUNMAP = Libc.symbol("munmap");
    private static final long MPROTECT = Libc.symbol("mprotect");
    private static final long MLOCK = Libc.symbol("mlock");
    private static final long MUNLOCK = Libc.symbol("munlock");
    private static final long MLOCKALL = Libc.symbol("mlockall");
    private static final long MADVISE = Libc.symbol("madvise");
    private static final long MINCORE = Libc.symbol("mincore");

    private static final long MEMMOVE = Libc.symbol("memmove");
    private static final long MEMSET = Libc.symbol("memset");

    private MemoryCalls() {}

    /** memmove(3): for memory known by address alone; nothing checks it. */
    public static void copy(long to, long from, long lengthBytes) {
        assert lengthBytes >= 0;
        Libc.callLong(MEMMOVE, to, from, lengthBytes);
    }

    /** memset(3) with zero. */
    public static void zero(long address, long lengthBytes) {
        assert lengthBytes >= 0;
        Libc.callLong(MEMSET, address, 0, lengthBytes);
    }

    /** mmap(2): an address, or a negated errno. User addresses are positive on every 64-bit Linux. */
    public static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        return Libc.callLong(MMAP, address, length, protection, flags, fd, offset);
    }

    public static int munmap(long address, long length) {
        return Libc.callInt(MUNMAP, address, length);
    }

    public static int mprotect(long address, long length, int protection) {
        return Libc.callInt(MPROTECT, address, length, protection);
    }

    public static int mlock(long address, long length) {
        return Libc.callInt(MLOCK, address, length);
    }

    public static int munlock(long address, long length) {
        return Libc.callInt(MUNLOCK, address, length);
    }

    public static int mlockall(int flags) {
        return Libc.callInt(MLOCKALL, flags);
    }

    public static int madvise(long address, long length, int advice) {
        return Libc.callInt(MADVISE, address, length, advice);
    }

    public static int mincore(long address, long length, long vector) {
        return Libc.callInt(MINCORE, address, length, vector);
    }
}
