package org.vnd.partition;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The four entries of a master boot record, or of one that describes a logical partition. */
record BootRecord(ByteBuffer sector) {
    static final int ENTRIES = 4;

    private static final int SIGNATURE_OFFSET = 510;
    private static final int ENTRIES_OFFSET = 446;
    private static final int ENTRY_BYTES = 16;
    private static final int TYPE_PROTECTIVE = 0xEE;

    /** The record in {@code sector}, or null if it has no signature. */
    static @Nullable BootRecord of(@Nullable ByteBuffer sector) {
        return sector == null || !isSigned(sector) ? null : new BootRecord(sector);
    }

    /** Whether {@code sector} has a record's signature. */
    static boolean isSigned(ByteBuffer sector) {
        return sector.getShort(SIGNATURE_OFFSET) == (short) 0xAA55;
    }

    /** Whether it is a table: a file system's boot sector has the signature too, but code where a table's flags are. */
    boolean isTable() {
        return wrongFlag() < 0;
    }

    /** The first entry whose boot flag is neither of the two that there are, -1 if there is none. */
    int wrongFlag() {
        for (int index = 0; index < ENTRIES; index++) {
            if ((flag(index) & 0x7F) != 0) {
                return index;
            }
        }
        return -1;
    }

    int flag(int index) {
        return sector.get(at(index)) & 0xFF;
    }

    /**
     * Whether nothing but a boot flag keeps it from being a table: what is code or text somewhere isn't within the disk, or
     * overlaps.
     *
     * @param sizeBytes of the disk; by the smallest sector, since what fits with another fits with this
     */
    boolean isTableBesideFlag(long sizeBytes) {
        return !isTable() && !isOfFileSystem() && hasPartitionsWithin(sizeBytes / Partition.SECTOR_BYTES);
    }

    private boolean hasPartitionsWithin(long blocks) {
        boolean any = false;
        for (int index = 0; index < ENTRIES; index++) {
            boolean empty = type(index) == 0 && start(index) == 0 && length(index) == 0;
            boolean sound = type(index) != 0 && start(index) > 0 && length(index) > 0 && end(index) <= blocks;
            if (!empty && !sound) {
                return false;
            }
            any |= sound;
            for (int other = 0; other < index; other++) {
                if (start(index) < end(other) && start(other) < end(index)) {
                    return false;
                }
            }
        }
        return any;
    }

    /** Whether it is the first sector of a FAT, an NTFS or an exFAT: a jump, and the size of a sector or the name. */
    boolean isOfFileSystem() {
        int jump = sector.get(0) & 0xFF;
        boolean exFat = sector.getLong(3) == 0x2020_2054_4146_5845L;
        return (jump == 0xEB || jump == 0xE9) && (exFat || Integer.bitCount(sector.getShort(11)) == 1);
    }

    /** Whether it says that there is a GPT. */
    boolean isProtective() {
        for (int index = 0; index < ENTRIES; index++) {
            if (type(index) == TYPE_PROTECTIVE) {
                return true;
            }
        }
        return false;
    }

    private static int at(int index) {
        return ENTRIES_OFFSET + index * ENTRY_BYTES;
    }

    int type(int index) {
        return sector.get(at(index) + 4) & 0xFF;
    }

    /** In the disk's blocks. */
    long start(int index) {
        return sector.getInt(at(index) + 8) & 0xFFFF_FFFFL;
    }

    /** In the disk's blocks; 0 of an entry that isn't used. */
    long length(int index) {
        return sector.getInt(at(index) + 12) & 0xFFFF_FFFFL;
    }

    private long end(int index) {
        return start(index) + length(index);
    }

    /** Whether an entry is in use and has the logical partitions. */
    boolean isExtended(int index) {
        return length(index) > 0 && isExtendedType(index);
    }

    /** Whether an entry would have them, if it had a length. */
    boolean isExtendedType(int index) {
        int type = type(index);
        return type == 0x05 || type == 0x0F || type == 0x85;
    }

    /** Whether an entry is in use and is a partition. */
    boolean isPartition(int index) {
        return length(index) > 0 && !isExtended(index);
    }

    /** The entry that leads to the next record of logical partitions, -1 if none does. */
    int link() {
        for (int index = 0; index < ENTRIES; index++) {
            if (isExtended(index)) {
                return index;
            }
        }
        return -1;
    }

    /** Of a record of logical partitions, the one entry that sfdisk takes, -1 if none: libfdisk's read_extended_partition. */
    int partitionOfSfdisk() {
        int taken = placeOfSfdisk();
        return length(taken) > 0 ? taken : -1;
    }

    /** The link that sfdisk follows, which may be one of no length. */
    int linkOfSfdisk() {
        int place = placeOfSfdisk() == 0 ? 1 : 0;
        return link() < 0 && isExtendedType(place) ? place : link();
    }

    private int placeOfSfdisk() {
        for (int index = 0; index < ENTRIES; index++) {
            if (isPartition(index) && type(index) != 0) {
                return index;
            }
        }
        return link() == 0 ? 1 : 0;
    }
}
