package org.vnd.cli;

import org.vnd.control.PrintableText;

/** A number of bytes as it is typed: {@code 4096}, {@code 64K}, {@code 64KiB}, {@code 1G}. */
final class ByteCount {
    private static final String UNITS = "KMGT";

    private ByteCount() {}

    /** The value of {@code text}, which {@code option} was given. */
    static long parse(String option, String text) throws ProgramException {
        String number = text.endsWith("iB") ? text.substring(0, text.length() - 2) : text;
        int power = number.isEmpty() ? -1 : UNITS.indexOf(number.charAt(number.length() - 1));
        if (power >= 0) {
            number = number.substring(0, number.length() - 1);
        }
        int shift = 10 * (power + 1);
        boolean valid = !number.isEmpty() && (power >= 0 || !text.endsWith("iB"));
        long value = 0;
        for (int i = 0; i < number.length() && valid; i++) {
            int digit = number.charAt(i) - '0';
            valid = digit >= 0 && digit <= 9 && value <= ((Long.MAX_VALUE >> shift) - digit) / 10;
            value = value * 10 + digit;
        }
        if (!valid) {
            throw new ProgramException(option + ": " + PrintableText.of(text)
                    + " is no number of bytes; K, M, G or T after it mean powers of 1024");
        }
        return value << shift;
    }
}
