package org.vnd.partition;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * A GPT's header with the right checksum, at the place that it names, and its entries (UEFI specification, chapter 5).
 *
 * @param alternateBlock where the other header is
 * @param firstUsable block from which on partitions may lie
 * @param lastUsable up to which
 * @param entries null if they aren't what the header says
 */
record GuidTable(
        long alternateBlock,
        long firstUsable,
        long lastUsable,
        int count,
        @Nullable ByteBuffer entries) {
    /** The text "EFI PART". */
    private static final long SIGNATURE = 0x5452_4150_2049_4645L;

    private static final int HEADER_BYTES_MIN = 92;
    /** Other sizes are allowed, and neither the kernel nor libblkid takes them. */
    private static final int ENTRY_BYTES = 128;
    /** The most that the kernel takes, KMALLOC_MAX_SIZE. */
    private static final int ENTRIES_BYTES_MAX = 4 << 20;

    /** The header in {@code block}, or null if there is none that is sound. */
    static @Nullable GuidTable read(DiskBytes disk, long block) throws IOException {
        ByteBuffer header = disk.read(block * disk.perBlock(), disk.blockBytes());
        if (header == null || header.getLong(0) != SIGNATURE) {
            return null;
        }
        int headerBytes = header.getInt(12);
        if (headerBytes < HEADER_BYTES_MIN || headerBytes > disk.blockBytes() || header.getLong(24) != block) {
            return null;
        }
        int checksum = header.getInt(16);
        header.putInt(16, 0);
        if (checksum(header, headerBytes) != checksum) {
            return null;
        }
        long count = header.getInt(80) & 0xFFFF_FFFFL;
        boolean usual = header.getInt(84) == ENTRY_BYTES && count > 0 && count <= ENTRIES_BYTES_MAX / ENTRY_BYTES;
        long entriesBlock = header.getLong(72);
        ByteBuffer entries = !usual || entriesBlock < 0 || entriesBlock >= disk.blocks()
                ? null
                : disk.read(entriesBlock * disk.perBlock(), (int) count * ENTRY_BYTES);
        if (entries != null && checksum(entries, entries.capacity()) != header.getInt(88)) {
            entries = null;
        }
        return new GuidTable(
                header.getLong(32), header.getLong(40), header.getLong(48), usual ? (int) count : 0, entries);
    }

    private static int checksum(ByteBuffer bytes, int count) {
        CRC32 crc = new CRC32();
        crc.update(bytes.slice(0, count));
        return (int) crc.getValue();
    }

    /** Whether what partitions may use lies before the end of a disk of {@code blocks}. */
    boolean isWithin(long blocks) {
        return Long.compareUnsigned(firstUsable, lastUsable) <= 0 && Long.compareUnsigned(lastUsable, blocks) < 0;
    }

    /** Gives {@code findings} all partitions; throws what it has if there are no entries. */
    void addTo(Findings findings) {
        DiskBytes disk = findings.disk;
        if (entries == null) {
            return;
        }
        long blocksMax = Long.MAX_VALUE / disk.blockBytes();
        for (int index = 0; index < count; index++) {
            int at = index * ENTRY_BYTES;
            long start = entries.getLong(at + 32);
            long last = entries.getLong(at + 40);
            if (entries.getLong(at) == 0 && entries.getLong(at + 8) == 0) {
                continue;
            }
            if (start < 0 || start >= blocksMax || last < 0 || last >= blocksMax || last < start - 1) {
                findings.remarks.add("partition " + (index + 1) + " has no sound beginning and end");
                continue;
            }
            findings.add(index + 1, start * disk.perBlock(), (last - start + 1) * disk.perBlock());
            boolean usable = start >= firstUsable && last <= lastUsable;
            if (!usable && start < disk.blocks() && last < disk.blocks() && last >= start) {
                findings.remarks.add("partition " + (index + 1)
                        + " lies outside of what its GPT has for partitions: not every program shows it");
            }
        }
    }
}
