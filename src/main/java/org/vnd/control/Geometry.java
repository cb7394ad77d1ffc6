package org.vnd.control;

/**
 * The shape of a disk as NetBSD's vndconfig(8) takes it, {@code secsize/nsectors/ntracks/ncylinders}. What depends on it here
 * is the disk's size and its logical block.
 *
 * @param sectorSizeBytes a power of two, 512 to 65536
 * @param sectorsPerTrack at least 1
 * @param tracksPerCylinder at least 1
 * @param cylinders 0 for as many as the image holds
 */
public record Geometry(long sectorSizeBytes, long sectorsPerTrack, long tracksPerCylinder, long cylinders) {
    private static final int MIN_SECTOR_SIZE_BYTES = 512;
    /** NetBSD's MAXPHYS on most machines, the largest sector its driver takes. */
    private static final int MAX_SECTOR_SIZE_BYTES = 65536;

    /**
     * Parses a geomspec by the grammar of NetBSD's vndconfig: four decimal numbers as strtol(3) reads them, the first
     * three of them possibly empty, which is 0. Values are not looked at; see {@link #checked}.
     *
     * @throws IllegalArgumentException if it isn't one
     */
    public static Geometry parse(String specification) {
        long[] numbers = new long[4];
        int start = 0;
        for (int i = 0; i < numbers.length; i++) {
            int slash = specification.indexOf('/', start);
            boolean last = i == numbers.length - 1;
            if (start >= specification.length() || last != (slash < 0)) {
                throw new IllegalArgumentException(specification);
            }
            numbers[i] = number(specification, start, last ? specification.length() : slash);
            start = slash + 1;
        }
        return new Geometry(numbers[0], numbers[1], numbers[2], numbers[3]);
    }

    /** The whole of {@code text[start, end)} as strtol(3) reads it in base 10, out of range the nearest limit. */
    private static long number(String text, int start, int end) {
        if (start == end) {
            return 0;
        }
        int i = start;
        while (i < end && (text.charAt(i) == ' ' || (text.charAt(i) >= '\t' && text.charAt(i) <= '\r'))) {
            i++;
        }
        boolean negative = i < end && text.charAt(i) == '-';
        if (i < end && (negative || text.charAt(i) == '+')) {
            i++;
        }
        if (i == end) {
            throw new IllegalArgumentException(text);
        }
        long value = 0;
        for (; i < end; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw new IllegalArgumentException(text);
            }
            boolean overflow = value > (Long.MAX_VALUE - digit) / 10;
            value = overflow ? Long.MAX_VALUE : value * 10 + digit;
        }
        return negative ? -value : value;
    }

    /**
     * This geometry for a disk of {@code diskSizeBytes}, with the number of cylinders computed if it was 0, by the rules
     * of NetBSD's vnd(4).
     *
     * @throws IllegalArgumentException if the driver would refuse it with EINVAL; the message says why
     */
    public Geometry checked(long diskSizeBytes) {
        if (sectorSizeBytes < MIN_SECTOR_SIZE_BYTES
                || sectorSizeBytes > MAX_SECTOR_SIZE_BYTES
                || Long.bitCount(sectorSizeBytes) != 1) {
            throw new IllegalArgumentException("the sector size must be a power of two from 512 to 65536");
        }
        if (sectorsPerTrack < 1 || tracksPerCylinder < 1 || cylinders < 0) {
            throw new IllegalArgumentException("tracks and cylinders must not be empty");
        }
        long cylinderBytes = product(product(sectorSizeBytes, sectorsPerTrack), tracksPerCylinder);
        long count = cylinders == 0 ? diskSizeBytes / cylinderBytes : cylinders;
        // The driver counts the disk in whole blocks of 512 bytes; so is the size of every cylinder.
        if (product(cylinderBytes, count) > diskSizeBytes) {
            throw new IllegalArgumentException("geometry " + this + " is larger than " + diskSizeBytes + " bytes");
        }
        return new Geometry(sectorSizeBytes, sectorsPerTrack, tracksPerCylinder, count);
    }

    /** Of the disk, if the number of cylinders is known. */
    public long sizeBytes() {
        return product(product(product(sectorSizeBytes, sectorsPerTrack), tracksPerCylinder), cylinders);
    }

    /** {@code a * b}, out of range the largest long; neither is negative. */
    private static long product(long a, long b) {
        return b != 0 && a > Long.MAX_VALUE / b ? Long.MAX_VALUE : a * b;
    }

    /** As {@link #parse} takes it. */
    @Override
    public String toString() {
        return sectorSizeBytes + "/" + sectorsPerTrack + "/" + tracksPerCylinder + "/" + cylinders;
    }
}
