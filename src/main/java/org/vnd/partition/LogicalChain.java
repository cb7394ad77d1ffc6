package org.vnd.partition;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The logical partitions of an extended one, as parse_extended of the kernel's block/partitions/msdos.c finds them: a chain
 * of boot records, each of which has one partition, sometimes more, and leads to the next. What sfdisk makes of a record
 * otherwise (read_extended_partition of util-linux's libfdisk/src/dos.c) is said, because numbers depend on it.
 */
final class LogicalChain {
    /** Links without a partition after which the kernel stops. */
    private static final int EMPTY_LINKS_MAX = 100;

    /** What the kernel doesn't have: nobody waits for the chain that a hostile table makes longest. */
    private static final int LINKS_MAX = 1000;

    private static final String LOOP = "its chain of logical partitions leads back to itself";

    private final Findings findings;
    private final DiskBytes disk;
    private final long first;
    private final long firstLength;

    /** Until a record has been told of that sfdisk reads otherwise: from there on all numbers may be others. */
    private boolean compared;

    /**
     * One in the kernel's sectors.
     *
     * @param readBySfdisk whether sfdisk follows it as well
     */
    LogicalChain(Findings findings, long first, long firstLength, boolean readBySfdisk) {
        this.findings = findings;
        this.disk = findings.disk;
        this.first = first;
        this.firstLength = firstLength;
        this.compared = readBySfdisk;
    }

    /** Finds its partitions, with numbers from {@code number} on; the number for what comes after them. */
    int read(int number) throws IOException {
        Set<Long> seen = new HashSet<>();
        long at = first;
        long length = firstLength;
        int next = number;
        int empty = 0;
        for (int link = 0; link < LINKS_MAX && next <= PartitionTable.NUMBER_MAX; link++) {
            empty++;
            ByteBuffer sector = empty > EMPTY_LINKS_MAX ? null : disk.sector(at);
            if (sector == null || !BootRecord.isSigned(sector)) {
                addEnd(at, sector != null && hasEntries(new BootRecord(sector)), link, next);
                return next;
            }
            if (!seen.add(at) && !findings.remarks.contains(LOOP)) {
                findings.remarks.add(LOOP);
            }
            BootRecord record = new BootRecord(sector);
            List<Integer> counted = counted(record, at, length);
            addOtherwise(at, record.partitionOfSfdisk(), counted, next);
            for (int index : counted) {
                if (next <= PartitionTable.NUMBER_MAX) {
                    long start = at + record.start(index) * disk.perBlock();
                    findings.add(next++, start, record.length(index) * disk.perBlock());
                }
                empty = 0;
            }
            int further = record.link();
            if (further < 0) {
                if (record.linkOfSfdisk() >= 0) {
                    findings.remarks.add("the link in the boot record in sector " + at / disk.perBlock()
                            + " has no length: Linux shows no logical partitions from there on");
                }
                return next;
            }
            at = first + record.start(further) * disk.perBlock();
            length = record.length(further) * disk.perBlock();
        }
        if (next <= PartitionTable.NUMBER_MAX) {
            findings.remarks.add("its chain of logical partitions has more than " + LINKS_MAX
                    + " links: what comes after partition " + (next - 1) + " wasn't looked at");
        }
        return next;
    }

    /** The entries that Linux makes partitions of. */
    private List<Integer> counted(BootRecord record, long at, long length) {
        List<Integer> counted = new ArrayList<>();
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            long end = record.start(index) * disk.perBlock() + record.length(index) * disk.perBlock();
            // Only the first two are in use normally, and the others may be anything.
            boolean credible = end <= length && at + end <= first + firstLength;
            if (record.isPartition(index) && (index < 2 || credible)) {
                counted.add(index);
            }
        }
        return counted;
    }

    private static boolean hasEntries(BootRecord record) {
        return record.partitionOfSfdisk() >= 0 || record.linkOfSfdisk() >= 0;
    }

    /** The chain ends where it should lead on: at a record that Linux takes for none, or that isn't there. */
    private void addEnd(long at, boolean hasEntries, int link, int next) {
        if (hasEntries) {
            findings.remarks.add("the boot record in sector " + at / disk.perBlock()
                    + " has no signature (55 AA): Linux shows no logical partitions from there on");
        } else if (link > 0) {
            findings.remarks.add("its chain of logical partitions is broken after partition " + (next - 1));
        } else if (at >= disk.sectors()) {
            findings.remarks.add("its extended partition begins in sector " + at / disk.perBlock()
                    + ", beyond the end of the disk: Linux shows no logical partitions of it");
        }
    }

    private void addOtherwise(long at, int ofSfdisk, List<Integer> counted, int next) {
        boolean same = ofSfdisk < 0 ? counted.isEmpty() : counted.equals(List.of(ofSfdisk));
        if (same || !compared) {
            return;
        }
        compared = false;
        boolean firstSame = !counted.isEmpty() && counted.get(0) == ofSfdisk;
        String toSfdisk = ofSfdisk < 0 ? "none" : counted.size() == 1 ? "another" : "1";
        findings.remarks.add("the boot record in sector " + at / disk.perBlock() + " has "
                + (counted.isEmpty() ? "no" : counted.size())
                + (counted.size() == 1 ? " logical partition" : " logical partitions")
                + " to Linux, and " + toSfdisk + " to sfdisk: from " + (firstSame ? next + 1 : next)
                + " on, their numbers aren't the same");
    }
}
