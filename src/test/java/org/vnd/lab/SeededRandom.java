package org.vnd.lab;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/** Random numbers that can be had again: {@code -Dvnd.seed=…} replays a failure. See {@link Seeded}. */
public final class SeededRandom {
    private final long seed;
    private final SplittableRandom random;

    /** The generator with {@code seed}. */
    public SeededRandom(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
    }

    /** The generator of the property vnd.seed, or a new one. */
    public static SeededRandom fromProperty() {
        String property = System.getProperty("vnd.seed");
        return new SeededRandom(
                property == null ? System.nanoTime() ^ (ProcessHandle.current().pid() << 40) : Long.decode(property));
    }

    /** What to give as vnd.seed to see the same numbers again. */
    public long seed() {
        return seed;
    }

    /** Uniform in [0, bound). */
    public int below(int bound) {
        return random.nextInt(bound);
    }

    /** Uniform in [0, bound). */
    public long below(long bound) {
        return random.nextLong(bound);
    }

    /** Uniform in [from, to], both included. */
    public long between(long from, long to) {
        return random.nextLong(from, to + 1);
    }

    /** True once in {@code count} times. */
    public boolean oneIn(int count) {
        return random.nextInt(count) == 0;
    }

    /** A length in [1, limit] whose logarithm is uniform: small ones as often as large ones. */
    public long length(long limit) {
        int bits = 64 - Long.numberOfLeadingZeros(limit);
        long magnitude = 1L << random.nextInt(bits);
        return Math.min(limit, between(magnitude, 2 * magnitude - 1));
    }

    public long nextLong() {
        return random.nextLong();
    }

    /** One of {@code values}. */
    @SafeVarargs
    public final <T> T oneOf(T... values) {
        return values[random.nextInt(values.length)];
    }

    /** Fills {@code bytes}. */
    public void fill(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.remaining() >= Long.BYTES) {
            buffer.putLong(random.nextLong());
        }
        while (buffer.hasRemaining()) {
            buffer.put((byte) random.nextInt());
        }
    }
}
