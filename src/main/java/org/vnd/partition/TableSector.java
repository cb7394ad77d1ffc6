package org.vnd.partition;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * For which sector a partition table was made. A GPT tells, because its header is in block 1 and has a checksum. An MBR
 * doesn't: it is the sector with which the partitions begin with something known, else the only one with which all of them
 * lie in the disk, else the one with which the first begins where all tools of today let it begin, else none. Nothing of this
 * makes it a larger sector while something known is found with the usual.
 */
public final class TableSector {
    /** Those that a block device of Linux can have, the most usual first. */
    static final int[] SIZES = {512, 4096, 2048, 1024};

    /** Of an MBR: with four sizes, one partition by one would too often be another by the next. */
    private static final int[] MBR_SIZES = {512, 4096};

    /** Where the first partition begins, by every tool since about 2009. */
    private static final long USUAL_START_BYTES = 1 << 20;

    /** By those before, which went by tracks of 63 sectors, of 512 bytes always. */
    private static final int OLD_START = 63;

    private TableSector() {}

    /**
     * The sector in bytes, 0 if there is no table or it can't be told.
     *
     * @param usualBytes the one that is taken if the table is sound for several
     */
    public static int of(PartitionTable.Source source, long sizeBytes, int usualBytes) throws IOException {
        BootRecord table = BootRecord.of(new DiskBytes(source, SIZES[0], sizeBytes).sector(0));
        if (table == null) {
            return 0;
        }
        if (table.isProtective()) {
            return ofGpt(source, sizeBytes, usualBytes);
        }
        return table.isTable() || table.isTableBesideFlag(sizeBytes) ? ofMbr(source, sizeBytes, table) : 0;
    }

    /** How much of a GPT is there, when blocks have a certain size. */
    private enum Soundness {
        NONE,
        HEADER,
        BACKUP,
        PRIMARY
    }

    private static int ofGpt(PartitionTable.Source source, long sizeBytes, int usualBytes) throws IOException {
        int best = 0;
        Soundness bestSoundness = Soundness.NONE;
        for (int size : SIZES) {
            Soundness soundness = soundness(new DiskBytes(source, size, sizeBytes));
            int order = soundness.compareTo(bestSoundness);
            if (order > 0 || (order == 0 && size == usualBytes && soundness != Soundness.NONE)) {
                best = size;
                bestSoundness = soundness;
            }
        }
        return best;
    }

    private static Soundness soundness(DiskBytes disk) throws IOException {
        GuidTable primary = GuidTable.read(disk, 1);
        if (primary != null && primary.entries() != null) {
            return Soundness.PRIMARY;
        }
        GuidTable backup = GuidTable.read(disk, disk.blocks() - 1);
        if (backup != null && backup.entries() != null) {
            return Soundness.BACKUP;
        }
        return primary != null ? Soundness.HEADER : Soundness.NONE;
    }

    private static int ofMbr(PartitionTable.Source source, long sizeBytes, BootRecord table) throws IOException {
        int best = 0;
        int bestKnown = 0;
        int usualKnown = 0;
        int fitting = 0;
        for (int size : MBR_SIZES) {
            DiskBytes disk = new DiskBytes(source, size, sizeBytes);
            int known = known(disk, table);
            usualKnown = size == SIZES[0] ? known : usualKnown;
            if (known == bestKnown) {
                best = 0;
            } else if (known > bestKnown) {
                best = size;
                bestKnown = known;
            }
            fitting += fits(disk, table) ? 1 : 0;
        }
        if (best != 0) {
            return best;
        }
        long first = first(table);
        if (first == Long.MAX_VALUE) {
            return 0;
        }
        if (fitting == 1 || first == OLD_START || usualKnown > 0) {
            // If only one fits, that can only be the smallest.
            return MBR_SIZES[0];
        }
        for (int size : MBR_SIZES) {
            // A disk that was cut fits none, and was made for one all the same.
            boolean credible = fitting == 0 || fits(new DiskBytes(source, size, sizeBytes), table);
            if (first * size == USUAL_START_BYTES && credible) {
                return size;
            }
        }
        return 0;
    }

    private static boolean fits(DiskBytes disk, BootRecord table) {
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            if (table.length(index) > 0 && table.start(index) + table.length(index) > disk.blocks()) {
                return false;
            }
        }
        return true;
    }

    /** Where the first partition begins, in blocks; the largest number if there is none. */
    private static long first(BootRecord table) {
        long first = Long.MAX_VALUE;
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            if (table.length(index) > 0) {
                first = Math.min(first, table.start(index));
            }
        }
        return first;
    }

    /** How many of the table's entries lead to what is known. */
    private static int known(DiskBytes disk, BootRecord table) throws IOException {
        int known = 0;
        for (int index = 0; index < BootRecord.ENTRIES; index++) {
            long start = table.start(index) * disk.perBlock();
            if (table.isExtended(index)) {
                BootRecord record = BootRecord.of(disk.sector(start));
                known += record != null && record.isTable() ? 1 : 0;
            } else if (table.isPartition(index)) {
                known += isKnown(disk, start) ? 1 : 0;
            }
        }
        return known;
    }

    /** Whether there is a file system or the like, by the magic numbers of magic(5) and libblkid. */
    private static boolean isKnown(DiskBytes disk, long start) throws IOException {
        ByteBuffer begin = disk.read(start, 4096);
        if (begin == null) {
            return false;
        }
        boolean ext = (begin.getShort(1080) & 0xFFFF) == 0xEF53 && begin.getInt(1048) >= 0 && begin.getInt(1048) <= 6;
        BootRecord record = BootRecord.of(begin);
        return ext
                || (record != null && record.isOfFileSystem())
                || has(begin, 0, "XFSB")
                || has(begin, 3, "EXFAT   ")
                || has(begin, 0, "LUKS\u00BA\u00BE")
                || has(begin, 0, "hsqs")
                || has(begin, 512, "LABELONE")
                || has(begin, 4086, "SWAPSPACE2")
                || begin.getInt(1024) == 0xF2F5_2010
                || begin.getInt(1024) == 0xE0F5_E1E2
                || has(disk.read(start + 65536 / Partition.SECTOR_BYTES, 512), 64, "_BHRfS_M")
                || isUfs(disk.read(start + 8192 / Partition.SECTOR_BYTES, 2048))
                || isUfs(disk.read(start + 65536 / Partition.SECTOR_BYTES, 2048));
    }

    private static boolean isUfs(@Nullable ByteBuffer superblock) {
        int magic = superblock == null ? 0 : superblock.getInt(1372);
        return magic == 0x0001_1954 || magic == 0x1954_0119;
    }

    private static boolean has(@Nullable ByteBuffer bytes, int at, String magic) {
        for (int index = 0; bytes != null && index < magic.length(); index++) {
            if ((bytes.get(at + index) & 0xFF) != magic.charAt(index)) {
                return false;
            }
        }
        return bytes != null;
    }
}
