package org.vnd.partition;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;

/**
 * Reads an MBR as msdos_partition of the kernel's block/partitions/msdos.c does: numbers 1 to 4 are those of the four
 * entries, and from 5 on come logical partitions and those of BSD's labels, in the order in which they are found.
 */
final class MbrReader {
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
        // Which sfdisk takes, whatever its length.
        int first = -1;
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            if (first < 0 && table.isExtendedType(index) && table.start(index) > 0) {
                first = index;
            }
            long start = table.start(index) * disk.perBlock();
            long length = table.length(index) * disk.perBlock();
            if (table.isExtended(index)) {
                findings.containers.add(index + 1);
                int before = next;
                next = new LogicalChain(findings, start, length, index == first).read(before);
                if (first >= 0 && index != first && next > before) {
                    findings.remarks.add(
                            "partition " + (index + 1) + " is another extended one: Linux shows the logical"
                                    + " partitions of all, and sfdisk of the first");
                }
            } else if (table.isExtendedType(index) && table.start(index) > 0) {
                findings.remarks.add("partition " + (index + 1)
                        + " is an extended one of no length: Linux shows no logical partitions of it");
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
