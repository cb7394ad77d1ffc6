package org.vnd.partition;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/** A disk in memory on which a test writes tables byte by byte. */
public final class TableImage {
    private final byte[] bytes;
    private final ByteBuffer buffer;

    /** All zeros. */
    public TableImage(int sizeBytes) {
        bytes = new byte[sizeBytes];
        buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** To be changed. */
    public ByteBuffer buffer() {
        return buffer;
    }

    /** The disk's content. */
    public byte[] bytes() {
        return bytes;
    }

    /** The disk, or its first {@code sizeBytes}. */
    public PartitionTable.Source source() {
        return source(bytes);
    }

    /** A disk that is {@code bytes} and then zeros. */
    public static PartitionTable.Source source(byte[] bytes) {
        return (offsetBytes, into) -> {
            for (int at = 0; at < into.length; at++) {
                into[at] = offsetBytes + at < bytes.length ? bytes[(int) offsetBytes + at] : 0;
            }
            return true;
        };
    }

    /** The signature of a boot record in {@code sector}, of 512 bytes. */
    public TableImage sign(int sector) {
        buffer.putShort(sector * 512 + 510, (short) 0xAA55);
        return this;
    }

    /** An entry of the boot record in {@code sector}, of 512 bytes; {@code index} from 0 on. */
    public TableImage entry(int sector, int index, int type, long start, long length) {
        int at = sector * 512 + 446 + index * 16;
        buffer.put(at + 4, (byte) type).putInt(at + 8, (int) start).putInt(at + 12, (int) length);
        return sign(sector);
    }

    /** A GPT without partitions, for a disk of {@code blocks} of {@code blockBytes}, with its protective MBR and backup. */
    public TableImage gpt(int blockBytes, int blocks, int entries) {
        entry(0, 0, 0xEE, 1, 0xFFFF_FFFFL);
        int entriesBlocks = (entries * 128 + blockBytes - 1) / blockBytes;
        header(blockBytes, 1, blocks - 1, 2, blocks, entriesBlocks, entries);
        header(blockBytes, blocks - 1, 1, blocks - 1 - entriesBlocks, blocks, entriesBlocks, entries);
        return checksums(blockBytes, blocks);
    }

    private void header(int blockBytes, int at, int other, int entriesAt, int blocks, int entriesBlocks, int entries) {
        int offset = at * blockBytes;
        buffer.putLong(offset, 0x5452_4150_2049_4645L).putInt(offset + 12, 92);
        buffer.putLong(offset + 24, at).putLong(offset + 32, other);
        buffer.putLong(offset + 40, 2 + entriesBlocks).putLong(offset + 48, blocks - 2 - entriesBlocks);
        buffer.putLong(offset + 72, entriesAt).putInt(offset + 80, entries).putInt(offset + 84, 128);
    }

    /** A partition of both, {@code number} from 1 on; {@link #checksums} follow. */
    public TableImage gptEntry(int blockBytes, int blocks, int number, long start, long last) {
        for (int header : new int[] {1, blocks - 1}) {
            int at = (int) buffer.getLong(header * blockBytes + 72) * blockBytes + (number - 1) * 128;
            buffer.putLong(at, 1).putLong(at + 32, start).putLong(at + 40, last);
        }
        return this;
    }

    /** Makes the checksums of both right, where there is a header. */
    public TableImage checksums(int blockBytes, int blocks) {
        checksum(bytes, blockBytes, blockBytes);
        checksum(bytes, blockBytes, (blocks - 1) * blockBytes);
        return this;
    }

    /** Makes the checksums of the header at {@code offset} right, if it and its entries are within {@code bytes}. */
    public static void checksum(byte[] bytes, int blockBytes, int offset) {
        if (bytes.length < offset + 92) {
            return;
        }
        ByteBuffer disk = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long at = disk.getLong(offset + 72);
        long count = (disk.getInt(offset + 80) & 0xFFFF_FFFFL) * 128;
        if (at < 0 || at > bytes.length || at * blockBytes + count > bytes.length) {
            return;
        }
        disk.putInt(offset + 88, checksumOf(bytes, (int) at * blockBytes, (int) count));
        disk.putInt(offset + 16, 0);
        disk.putInt(offset + 16, checksumOf(bytes, offset, 92));
    }

    private static int checksumOf(byte[] bytes, int from, int count) {
        CRC32 crc = new CRC32();
        crc.update(bytes, from, count);
        return (int) crc.getValue();
    }
}
