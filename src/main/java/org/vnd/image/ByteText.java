package org.vnd.image;

/** Numbers of bytes for people. */
final class ByteText {
    private static final String[] UNITS = {" bytes", " KiB", " MiB", " GiB", " TiB"};

    private ByteText() {}

    /** Exact, in the largest unit that leaves nothing over: {@code 10 GiB}, {@code 1536 MiB}, {@code 4608 bytes}. */
    static String exact(long bytes) {
        int unit = bytes == 0 ? 0 : Math.min(UNITS.length - 1, Long.numberOfTrailingZeros(bytes) / 10);
        return (bytes >>> (10 * unit)) + UNITS[unit];
    }

    /** Rounded down to a number below 10,240 of a unit: {@code 2015 MiB}. */
    static String about(long bytes) {
        int unit = 0;
        while (unit < UNITS.length - 1 && (bytes >>> (10 * unit)) >= 10_240) {
            unit++;
        }
        return (bytes >>> (10 * unit)) + UNITS[unit];
    }
}
