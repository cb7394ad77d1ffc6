package org.vnd.partition;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What has been found while a table is read. */
final class Findings {
    final DiskBytes disk;
    final TreeMap<Integer, Partition> partitions = new TreeMap<>();
    final List<String> remarks = new ArrayList<>();

    /** Numbers of extended partitions, which the kernel shows as a node of a sector or two for boot loaders. */
    final Set<Integer> containers = new TreeSet<>();

    /** Whether there is a partition that has a table of its own of a kind that isn't read here. */
    boolean nestedTables;

    /** The first that lies beyond the end of the disk, wholly or in part; empty if there is none. */
    String misfit = "";

    private int firstUnseen;
    private int lastUnseen;

    Findings(DiskBytes disk) {
        this.disk = disk;
    }

    /** A partition by the table, in the kernel's sectors; one of nothing is none. */
    void add(int number, long start, long sectors) {
        if (sectors <= 0) {
            return;
        }
        if (start < 0 || start >= disk.sectors() || sectors > disk.sectors() - start) {
            if (misfit.isEmpty()) {
                // Both may be anything up to what a number holds.
                BigInteger end = BigInteger.valueOf(start).add(BigInteger.valueOf(sectors));
                misfit = "partition " + number + " ends at byte "
                        + end.multiply(BigInteger.valueOf(Partition.SECTOR_BYTES));
            }
        } else if (number > PartitionTable.NUMBER_MAX) {
            firstUnseen = firstUnseen == 0 ? number : firstUnseen;
            lastUnseen = number;
        } else {
            partitions.put(number, new Partition(number, start, sectors));
        }
    }

    /** What is to be said of all of them together. */
    void finish() {
        Partition before = null;
        List<Partition> byPlace = new ArrayList<>(partitions.values());
        byPlace.sort((one, other) -> Long.compare(one.start(), other.start()));
        for (Partition partition : byPlace) {
            if (partition.start() == 0) {
                remarks.add("partition " + partition.number()
                        + " begins at byte 0, where the table is: who writes to it writes over the table");
            }
            if (before != null && partition.start() < before.end()) {
                remarks.add("partitions " + before.number() + " and " + partition.number() + " overlap");
                break;
            }
            before = partition;
        }
        if (firstUnseen > 0) {
            String which = firstUnseen == lastUnseen
                    ? "partition " + firstUnseen + " isn't"
                    : "partitions " + firstUnseen + " to " + lastUnseen + " aren't";
            remarks.add(which + " shown: Linux has at most " + PartitionTable.NUMBER_MAX + " on a disk");
        }
    }
}
