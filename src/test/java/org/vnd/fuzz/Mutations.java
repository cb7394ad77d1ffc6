package org.vnd.fuzz;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.vnd.lab.SeededRandom;

/** Changes to valid input as a bad link or a bad mind would make them. */
final class Mutations {
    /** Values at which arithmetic goes wrong. */
    private static final long[] CORNERS = {
        0,
        1,
        27,
        28,
        255,
        256,
        511,
        512,
        4095,
        4096,
        65_535,
        65_536,
        1 << 20,
        1 << 25,
        (1 << 25) + 1,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        0x100000000L,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1
    };

    private Mutations() {}

    /** A copy with one to four changes. */
    static byte[] mutate(byte[] input, SeededRandom random) {
        byte[] bytes = input.clone();
        for (int changes = 1 + random.below(4); changes > 0 && bytes.length > 0; changes--) {
            bytes = once(bytes, random);
        }
        return bytes;
    }

    private static byte[] once(byte[] bytes, SeededRandom random) {
        int at = random.below(bytes.length);
        int length = (int) Math.min(bytes.length - at, random.length(64));
        switch (random.below(6)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.below(8));
            case 1 -> bytes[at] = (byte) random.below(256);
            case 2 -> putCorner(bytes, at, random);
            case 3 -> {
                return Arrays.copyOf(bytes, at);
            }
            case 4 -> {
                return join(bytes, at, bytes, at + length);
            }
            default -> {
                return join(bytes, at + length, bytes, at);
            }
        }
        return bytes;
    }

    private static void putCorner(byte[] bytes, int at, SeededRandom random) {
        long value = CORNERS[random.below(CORNERS.length)];
        int width = random.oneOf(2, 4, 8);
        for (int n = 0; n < width && at + n < bytes.length; n++) {
            bytes[at + n] = (byte) (value >>> 8 * (width - 1 - n));
        }
    }

    /** The beginning of {@code first} up to {@code end}, then {@code second} from {@code start}. */
    private static byte[] join(byte[] first, int end, byte[] second, int start) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        joined.write(first, 0, end);
        joined.write(second, start, second.length - start);
        return joined.toByteArray();
    }
}
