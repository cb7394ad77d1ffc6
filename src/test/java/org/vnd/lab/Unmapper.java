package org.vnd.lab;

import java.lang.ref.Reference;
import java.nio.MappedByteBuffer;
import org.vnd.sys.Libc;
import org.vnd.sys.MemoryCalls;

/** Takes a mapping of the JVM's away at once, which only its garbage collector may; nothing may use the buffer then. */
public final class Unmapper {
    private Unmapper() {}

    /** Unmaps the first page of {@code mapping}. */
    public static void unmap(MappedByteBuffer mapping) throws Exception {
        // Anonymous memory in its place, so that the collector has something to unmap.
        int flags = MemoryCalls.MAP_PRIVATE | MemoryCalls.MAP_ANONYMOUS | 0x10;
        Libc.check(
                MemoryCalls.mmap(Libc.address(mapping), 4096, MemoryCalls.PROT_READ, flags, -1, 0), "mmap", "over it");
        Reference.reachabilityFence(mapping);
    }
}
