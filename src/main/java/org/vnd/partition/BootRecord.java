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
        return sector == null || sector.getShort(SIGNATURE_OFFSET) != (short) 0xAA55 ? null : new BootRecord(sector);
    }

    /** Whether it is a table: a file system's boot sector has the signature too, but code where a table's flags are. */
    boolean isTable() {
        for (int index = 0; index < ENTRIES; index++) {
            if ((sector.get(at(index)) & 0x7F) != 0) {
                return false;
            }
        }
        return true;
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

    /** Whether an entry is in use and has the logical partitions. */
    boolean isExtended(int index) {
        int type = type(index);
        return length(index) > 0 && (type == 0x05 || type == 0x0F || type == 0x85);
    }

    /** Whether an entry is in use and is a partition. */
    boolean isPartition(int index) {
        return length(index) > 0 && !isExtended(index);
    }
}
