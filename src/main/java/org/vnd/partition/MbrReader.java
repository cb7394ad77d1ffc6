package org.vnd.partition;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * Reads an MBR as msdos_partition and parse_extended of the kernel's block/partitions/msdos.c do: numbers 1 to 4 are those of
 * the four entries, and from 5 on come logical partitions and those of BSD's labels, in the order in which they are found.
 */
final class MbrReader {
    /** Links without a partition after which the kernel stops. */
    private static final int EMPTY_LINKS_MAX = 100;

    /** What the kernel doesn't have: nobody waits for the chain that a hostile table makes longest. */
    private static final int LINKS_MAX = 1000;

    private static final Set<Integer> BSD = Set.of(0xA5, 0xA6, 0xA9);
    private static final int FREEBSD = 0xA5;

    /** Minix, Unixware and Solaris; 0x82 is Linux's swap, too. */
    private static final Set<Integer> OTHERS_WITH_TABLES = Set.of(0x81, 0x63, 0x82, 0xBF);

    private static final int LABEL_MAGIC = 0x8256_4557;
    private static final int LABEL_COUNT_OFFSET = 138;
    private static final int LABEL_PARTITIONS_OFFSET = 148;
    private static final int LABEL_PARTITION_BYTES = 16;
    private static final int LABEL_PARTITIONS_MAX = 16;

    private final DiskBytes disk;
    private final Findings findings;
    private int next = BootRecord.ENTRIES + 1;

    MbrReader(Findings findings) {
        this.disk = findings.disk;
        this.findings = findings;
    }

    void read(BootRecord table) throws IOException {
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            long start = table.start(index) * disk.perBlock();
            long length = table.length(index) * disk.perBlock();
            if (table.isExtended(index)) {
                findings.containers.add(index + 1);
                readLogical(start, length);
            } else if (table.isPartition(index)) {
                findings.add(index + 1, start, length);
            }
        }
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            if (table.length(index) > 0 && BSD.contains(table.type(index))) {
                long start = table.start(index) * disk.perBlock();
                readLabel(start, table.length(index) * disk.perBlock(), table.type(index) == FREEBSD);
            }
            findings.nestedTables |= OTHERS_WITH_TABLES.contains(table.type(index));
        }
    }

    /** Each link of the chain has a sector that describes a partition, sometimes more, and leads to the next. */
    private void readLogical(long first, long firstLength) throws IOException {
        Set<Long> seen = new HashSet<>();
        long at = first;
        long length = firstLength;
        int empty = 0;
        for (int link = 0; link < LINKS_MAX && next <= PartitionTable.NUMBER_MAX; link++) {
            empty++;
            BootRecord record = empty > EMPTY_LINKS_MAX ? null : BootRecord.of(disk.sector(at));
            if (record == null) {
                if (link > 0) {
                    findings.remarks.add("its chain of logical partitions is broken after partition " + (next - 1));
                }
                return;
            }
            if (!seen.add(at) && !findings.remarks.contains(LOOP)) {
                findings.remarks.add(LOOP);
            }
            int further = -1;
            for (int index = 0; index < BootRecord.ENTRIES; index++) {
                if (record.isExtended(index)) {
                    further = further < 0 ? index : further;
                } else if (record.isPartition(index) && next <= PartitionTable.NUMBER_MAX) {
                    long start = at + record.start(index) * disk.perBlock();
                    long sectors = record.length(index) * disk.perBlock();
                    // Only the first two are in use normally, and the others may be anything.
                    boolean credible = start - at + sectors <= length && start + sectors <= first + firstLength;
                    if (index < 2 || credible) {
                        findings.add(next++, start, sectors);
                        empty = 0;
                    }
                }
            }
            if (further < 0) {
                return;
            }
            at = first + record.start(further) * disk.perBlock();
            length = record.length(further) * disk.perBlock();
        }
        if (next <= PartitionTable.NUMBER_MAX) {
            findings.remarks.add("its chain of logical partitions has more than " + LINKS_MAX
                    + " links: what comes after partition " + (next - 1) + " wasn't looked at");
        }
    }

    private static final String LOOP = "its chain of logical partitions leads back to itself";

    /** The label counts in the kernel's sectors, and lies in the second of its partition. */
    private void readLabel(long start, long length, boolean freeBsd) throws IOException {
        ByteBuffer label = disk.sector(start + 1);
        if (label == null || label.getInt(0) != LABEL_MAGIC) {
            return;
        }
        int count = Math.min(LABEL_PARTITIONS_MAX, label.getShort(LABEL_COUNT_OFFSET) & 0xFFFF);
        // FreeBSD's partition c, all of it, tells whether the others count from there.
        boolean relative = freeBsd && unsigned(label, LABEL_PARTITIONS_OFFSET + 2 * LABEL_PARTITION_BYTES + 4) == 0;
        for (int index = 0; index < count && next <= PartitionTable.NUMBER_MAX; index++) {
            int at = LABEL_PARTITIONS_OFFSET + index * LABEL_PARTITION_BYTES;
            long partLength = unsigned(label, at);
            long partStart = unsigned(label, at + 4) + (relative ? start : 0);
            boolean used = label.get(at + 12) != 0;
            boolean whole = partStart == start && partLength == length;
            if (used && !whole && partStart >= start && partStart + partLength <= start + length) {
                findings.add(next++, partStart, partLength);
            }
        }
    }

    private static long unsigned(ByteBuffer bytes, int at) {
        return bytes.getInt(at) & 0xFFFF_FFFFL;
    }
}
