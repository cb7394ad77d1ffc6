package org.vnd.partition;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** The partition table of a disk, and what Linux makes of it. */
public final class PartitionTable {
    /** The disk. */
    @FunctionalInterface
    public interface Source {
        /** Fills {@code bytes}, whole sectors of 512, from {@code offsetBytes}; whether it could. */
        boolean read(long offsetBytes, byte[] bytes) throws IOException;
    }

    /** What kind of table there is. */
    public enum Kind {
        /** None that is read here. */
        NONE,
        MBR,
        GPT
    }

    /** The largest number of a partition: DISK_MAX_PARTS, 256, of the kernel's include/linux/blkdev.h counts the disk. */
    static final int NUMBER_MAX = 255;

    /** So many of the differences are told one by one. */
    private static final int TOLD_MAX = 3;

    private final Kind kind;
    private final Findings findings;

    private PartitionTable(Kind kind, Findings findings) {
        this.kind = kind;
        this.findings = findings;
    }

    /**
     * Reads the table of a disk.
     *
     * @param blockBytes its logical block, in which tables count: 512 to 4096
     */
    public static PartitionTable read(Source source, int blockBytes, long sizeBytes) throws IOException {
        DiskBytes disk = new DiskBytes(source, blockBytes, sizeBytes);
        Findings findings = new Findings(disk);
        BootRecord first = BootRecord.of(disk.sector(0));
        Kind kind = Kind.NONE;
        if (first == null) {
            if (hasGptForAnySector(source, sizeBytes)) {
                findings.remarks.add("its GPT has no protective MBR, and so is none to Linux");
            }
        } else if (first.isProtective()) {
            kind = Kind.GPT;
            readGpt(findings);
        } else if (first.isTable()) {
            kind = Kind.MBR;
            new MbrReader(findings).read(first);
        } else if (first.isTableBesideFlag(sizeBytes)) {
            findings.remarks.add("its partition " + (first.wrongFlag() + 1)
                    + String.format(" has the boot flag 0x%02x", first.flag(first.wrongFlag()))
                    + ", neither 0 nor 0x80: Linux shows none of the partitions");
        }
        findings.finish();
        return new PartitionTable(kind, findings);
    }

    /** Without an MBR it doesn't tell the disk's sector, which may be another. */
    private static boolean hasGptForAnySector(Source source, long sizeBytes) throws IOException {
        for (int size : TableSector.SIZES) {
            if (GuidTable.read(new DiskBytes(source, size, sizeBytes), 1) != null) {
                return true;
            }
        }
        return false;
    }

    /** As find_valid_gpt of the kernel's block/partitions/efi.c; the backup as probe_gpt_pt of libblkid's gpt.c. */
    private static void readGpt(Findings findings) throws IOException {
        DiskBytes disk = findings.disk;
        GuidTable primary = GuidTable.read(disk, 1);
        if (primary != null && primary.entries() != null && primary.isWithin(disk.blocks())) {
            primary.addTo(findings);
            return;
        }
        GuidTable backup = GuidTable.read(disk, disk.blocks() - 1);
        if (backup != null && backup.entries() != null && backup.isWithin(disk.blocks())) {
            backup.addTo(findings);
            findings.remarks.add(
                    "its first GPT is broken, and its partitions are those of the backup GPT" + " (sfdisk mends it)");
            return;
        }
        if (primary == null || primary.entries() == null) {
            findings.remarks.add("its GPT is broken, and there is no sound backup: Linux shows none of its partitions");
            return;
        }
        primary.addTo(findings);
        findings.partitions.clear();
        long wantedBlocks = Math.max(primary.alternateBlock(), primary.lastUsable()) + 1;
        boolean told = wantedBlocks > disk.blocks() && wantedBlocks < Long.MAX_VALUE / disk.blockBytes();
        findings.remarks.add(
                told
                        ? "its GPT is for a disk of " + wantedBlocks * disk.blockBytes() + " bytes, and this one has "
                                + disk.blocks() * disk.blockBytes()
                                + ": Linux shows none of its partitions until it has its length back (truncate -s)"
                        : "its GPT is broken: Linux shows none of its partitions");
    }

    public Kind kind() {
        return kind;
    }

    /** The partitions that the disk's users will see, by their numbers, but for what is extended, and no partition. */
    public List<Partition> partitions() {
        return List.copyOf(findings.partitions.values());
    }

    /**
     * A partition that lies beyond the end of the disk, wholly or in part: "partition 2 ends at byte 14680064". The kernel
     * cuts it, or leaves it out.
     */
    public Optional<String> misfit() {
        return findings.misfit.isEmpty() ? Optional.empty() : Optional.of(findings.misfit);
    }

    /** What the disk's users won't see as it is in the table, and why; half a sentence each. */
    public List<String> remarks() {
        return List.copyOf(findings.remarks);
    }

    /**
     * How {@code shown}, what the kernel has, differs from {@link #partitions}; half a sentence, empty if it doesn't. Of a
     * disk without a table nothing differs: the kernel knows more kinds.
     */
    public String difference(List<Partition> shown) {
        List<String> differences = new ArrayList<>();
        Map<Integer, Partition> byNumber = new TreeMap<>();
        shown.forEach(partition -> byNumber.put(partition.number(), partition));
        TreeSet<Integer> numbers = new TreeSet<>(byNumber.keySet());
        numbers.addAll(findings.partitions.keySet());
        for (int number : numbers) {
            Partition wanted = findings.partitions.get(number);
            Partition there = byNumber.get(number);
            if (wanted == null) {
                boolean known = findings.containers.contains(number)
                        || (findings.nestedTables && number > BootRecord.ENTRIES)
                        || kind == Kind.NONE;
                if (!known) {
                    differences.add("partition " + number + " is there, and not by its table");
                }
            } else if (there == null) {
                differences.add("partition " + number + " is missing");
            } else if (!there.equals(wanted)) {
                differences.add("partition " + number + " is " + range(there) + ", and by its table " + range(wanted));
            }
        }
        int more = differences.size() - TOLD_MAX;
        return more > 0
                ? String.join(", ", differences.subList(0, TOLD_MAX)) + " and " + more + " more"
                : String.join(", ", differences);
    }

    private static String range(Partition partition) {
        return partition.sectors() * Partition.SECTOR_BYTES + " bytes at " + partition.start() * Partition.SECTOR_BYTES;
    }
}
