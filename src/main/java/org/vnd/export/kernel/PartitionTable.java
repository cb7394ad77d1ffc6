package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Reads the partitions of a disk as the kernel would: MBR with logical partitions, and GPT (UEFI specification, chapter 5).
 * For dm devices, whose partitions the kernel doesn't look for; and before a disk is there. What makes no sense is left out.
 */
public final class PartitionTable {
    /**
     * A partition.
     *
     * @param number as in its name: 1 for p1
     * @param start in sectors of 512 bytes
     */
    record Partition(int number, long start, long sectors) {}

    /** The disk. */
    @FunctionalInterface
    public interface Source {
        /** Fills {@code bytes} from {@code offsetBytes}, whole sectors; whether it could. */
        boolean read(long offsetBytes, byte[] bytes) throws IOException;
    }

    /** As many as the kernel has of one disk, DISK_MAX_PARTS of its include/linux/blkdev.h. */
    static final int NUMBER_MAX = 256;

    private static final int SIGNATURE_OFFSET = 510;
    private static final int ENTRIES_OFFSET = 446;
    private static final int ENTRY_BYTES = 16;
    private static final int PRIMARY = 4;
    private static final int TYPE_PROTECTIVE = 0xEE;

    /** The text "EFI PART". */
    private static final long GPT_SIGNATURE = 0x5452_4150_2049_4645L;

    private static final int GPT_HEADER_BYTES_MIN = 92;
    private static final int GPT_ENTRY_BYTES_MIN = 128;
    /** 128 entries are usual; of more than 1024, or of larger ones, nobody has heard. */
    private static final int GPT_ENTRIES_BYTES_MAX = 1024 * 512;

    private final Source source;
    private final int blockBytes;
    private final long blocks;
    private final List<Partition> partitions = new ArrayList<>();
    /** The first that lies beyond the end of the disk, wholly or in part; empty if there is none. */
    private String misfit = "";

    private PartitionTable(Source source, int blockBytes, long sectors) {
        this.source = source;
        this.blockBytes = blockBytes;
        this.blocks = sectors / (blockBytes / DiskRuns.SECTOR_BYTES);
    }

    /**
     * The partitions of a disk, by their numbers; none if it has no table.
     *
     * @param blockBytes its logical block, in which tables count: 512 to 4096
     * @param sectors its size, of 512 bytes
     */
    static List<Partition> read(Source source, int blockBytes, long sectors) throws IOException {
        PartitionTable table = new PartitionTable(source, blockBytes, sectors);
        table.read();
        return table.partitions;
    }

    /**
     * A partition that lies beyond the end of a disk of {@code sizeBytes}, wholly or in part: "partition 2 ends at byte
     * 14680064".
     *
     * @param blockBytes as of {@link #read}
     */
    public static Optional<String> misfit(Source source, int blockBytes, long sizeBytes) throws IOException {
        PartitionTable table = new PartitionTable(source, blockBytes, sizeBytes / DiskRuns.SECTOR_BYTES);
        table.read();
        return table.misfit.isEmpty() ? Optional.empty() : Optional.of(table.misfit);
    }

    /** Whether there are partitions, and all of them lie in a disk of {@code sizeBytes}. */
    public static boolean fits(Source source, int blockBytes, long sizeBytes) throws IOException {
        PartitionTable table = new PartitionTable(source, blockBytes, sizeBytes / DiskRuns.SECTOR_BYTES);
        table.read();
        return table.misfit.isEmpty() && !table.partitions.isEmpty();
    }

    private void read() throws IOException {
        ByteBuffer first = block(0);
        if (first != null && hasTable(first)) {
            if (hasProtectiveEntry(first)) {
                readGpt();
            } else {
                readMbr(first);
            }
        }
    }

    private @Nullable ByteBuffer block(long number) throws IOException {
        return number < 0 || number >= blocks ? null : bytes(number, blockBytes);
    }

    private @Nullable ByteBuffer bytes(long block, int count) throws IOException {
        byte[] bytes = new byte[count];
        return source.read(block * blockBytes, bytes) ? ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN) : null;
    }

    /** A file system's boot sector has the signature too, but code where the flags of a table are. */
    private static boolean hasTable(ByteBuffer sector) {
        boolean flags = true;
        for (int index = 0; index < PRIMARY; index++) {
            flags &= (sector.get(ENTRIES_OFFSET + index * ENTRY_BYTES) & 0x7F) == 0;
        }
        return flags && sector.getShort(SIGNATURE_OFFSET) == (short) 0xAA55;
    }

    private static boolean hasProtectiveEntry(ByteBuffer sector) {
        for (int index = 0; index < PRIMARY; index++) {
            if (type(sector, index) == TYPE_PROTECTIVE) {
                return true;
            }
        }
        return false;
    }

    private static int type(ByteBuffer sector, int index) {
        return sector.get(ENTRIES_OFFSET + index * ENTRY_BYTES + 4) & 0xFF;
    }

    private static long start(ByteBuffer sector, int index) {
        return sector.getInt(ENTRIES_OFFSET + index * ENTRY_BYTES + 8) & 0xFFFF_FFFFL;
    }

    private static long length(ByteBuffer sector, int index) {
        return sector.getInt(ENTRIES_OFFSET + index * ENTRY_BYTES + 12) & 0xFFFF_FFFFL;
    }

    private static boolean extended(int type) {
        return type == 0x05 || type == 0x0F || type == 0x85;
    }

    private void readMbr(ByteBuffer first) throws IOException {
        for (int index = 0; index < PRIMARY; index++) {
            if (!extended(type(first, index))) {
                add(index + 1, start(first, index), length(first, index));
            }
        }
        for (int index = 0; index < PRIMARY; index++) {
            if (extended(type(first, index)) && length(first, index) > 0) {
                readLogical(start(first, index));
                return;
            }
        }
    }

    /** Each logical partition has a sector that describes it and leads to the next. */
    private void readLogical(long base) throws IOException {
        long at = base;
        for (int number = PRIMARY + 1; number <= NUMBER_MAX; number++) {
            ByteBuffer sector = block(at);
            if (sector == null || !hasTable(sector)) {
                return;
            }
            add(number, at + start(sector, 0), length(sector, 0));
            if (!extended(type(sector, 1)) || length(sector, 1) == 0) {
                return;
            }
            at = base + start(sector, 1);
        }
    }

    private void readGpt() throws IOException {
        ByteBuffer header = block(1);
        if (header == null || header.getLong(0) != GPT_SIGNATURE) {
            return;
        }
        int headerBytes = header.getInt(12);
        if (headerBytes < GPT_HEADER_BYTES_MIN || headerBytes > blockBytes) {
            return;
        }
        int checksum = header.getInt(16);
        header.putInt(16, 0);
        long entriesBlock = header.getLong(72);
        long count = header.getInt(80) & 0xFFFF_FFFFL;
        long entryBytes = header.getInt(84) & 0xFFFF_FFFFL;
        boolean sound = checksum(header, headerBytes) == checksum
                && entryBytes >= GPT_ENTRY_BYTES_MIN
                && entryBytes <= GPT_ENTRIES_BYTES_MAX
                && count * entryBytes <= GPT_ENTRIES_BYTES_MAX
                && entriesBlock > 1
                && entriesBlock < blocks;
        int entriesBytes = sound ? (int) (count * entryBytes) : 0;
        int whole = (entriesBytes + blockBytes - 1) / blockBytes * blockBytes;
        ByteBuffer entries =
                whole == 0 || blocks - entriesBlock < whole / blockBytes ? null : bytes(entriesBlock, whole);
        if (entries == null || checksum(entries, entriesBytes) != header.getInt(88)) {
            return;
        }
        for (int index = 0; index < Math.min(count, NUMBER_MAX); index++) {
            int at = index * (int) entryBytes;
            boolean used = entries.getLong(at) != 0 || entries.getLong(at + 8) != 0;
            long start = entries.getLong(at + 32);
            long last = entries.getLong(at + 40);
            if (used && start >= 0 && last >= start && last < Long.MAX_VALUE / blockBytes) {
                add(index + 1, start, last - start + 1);
            }
        }
    }

    private static int checksum(ByteBuffer bytes, int count) {
        CRC32 crc = new CRC32();
        crc.update(bytes.slice(0, count));
        return (int) crc.getValue();
    }

    /** In blocks. */
    private void add(int number, long start, long length) {
        if (start <= 0 || length <= 0) {
            return;
        }
        if (start < blocks && length <= blocks - start) {
            int each = blockBytes / DiskRuns.SECTOR_BYTES;
            partitions.add(new Partition(number, start * each, length * each));
        } else if (misfit.isEmpty()) {
            misfit = "partition " + number + " ends at byte " + (start + length) * blockBytes;
        }
    }
}
