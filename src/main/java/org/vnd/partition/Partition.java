package org.vnd.partition;

/**
 * A partition, as the kernel has it in /sys/block.
 *
 * @param number as in its name: 1 for p1
 * @param start in sectors of {@value #SECTOR_BYTES} bytes, whatever the disk's are
 * @param sectors its length in the same
 */
public record Partition(int number, long start, long sectors) {
    /** In which the kernel counts. */
    public static final int SECTOR_BYTES = 512;

    /** Of the first byte after it. */
    long end() {
        return start + sectors;
    }
}
