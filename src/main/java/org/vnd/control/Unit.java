package org.vnd.control;

import java.util.Optional;

/** The name of a disk, {@code vnd0} to {@code vnd9999}. */
public record Unit(int number) implements Comparable<Unit> {
    /** The highest unit number there is. */
    public static final int MAX_NUMBER = 9999;

    private static final String PREFIX = "vnd";

    public Unit {
        if (number < 0 || number > MAX_NUMBER) {
            throw new IllegalArgumentException("no unit has the number " + number);
        }
    }

    /** The unit called {@code name}, which must be written as {@link #name} writes it. */
    public static Optional<Unit> parse(String name) {
        int digits = name.length() - PREFIX.length();
        if (!name.startsWith(PREFIX) || digits < 1 || digits > 4 || (digits > 1 && name.charAt(3) == '0')) {
            return Optional.empty();
        }
        int number = 0;
        for (int i = PREFIX.length(); i < name.length(); i++) {
            char digit = name.charAt(i);
            if (digit < '0' || digit > '9') {
                return Optional.empty();
            }
            number = number * 10 + (digit - '0');
        }
        return Optional.of(new Unit(number));
    }

    /** {@code vnd} and the number. */
    public String name() {
        return PREFIX + number;
    }

    @Override
    public int compareTo(Unit other) {
        return Integer.compare(number, other.number);
    }

    @Override
    public String toString() {
        return name();
    }
}
