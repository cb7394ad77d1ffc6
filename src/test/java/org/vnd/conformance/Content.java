package org.vnd.conformance;

/** What a write puts where: every byte follows from the write's seed and its place on the disk, so none is kept. */
final class Content {
    private Content() {}

    /** The byte at disk offset {@code offset} of the write with {@code seed}. */
    static byte at(long seed, long offset) {
        return (byte) (word(seed, offset >>> 3) >>> ((offset & 7) << 3));
    }

    /** The eight bytes from disk offset {@code 8 × index}, the first in the lowest byte. */
    static long word(long seed, long index) {
        // The finalizer of SplitMix64: every bit of the place changes every bit of the content.
        long z = seed + index * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
