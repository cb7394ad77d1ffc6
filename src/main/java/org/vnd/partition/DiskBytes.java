package org.vnd.partition;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The disk whose table is read.
 *
 * @param blockBytes the logical block in which its table counts, 512 to 4096
 * @param sizeBytes of the disk; what is no whole block at its end isn't of it
 */
record DiskBytes(PartitionTable.Source source, int blockBytes, long sizeBytes) {
    /** How many blocks it has. */
    long blocks() {
        return sizeBytes / blockBytes;
    }

    /** Of the kernel's sectors, {@link Partition#SECTOR_BYTES}. */
    long sectors() {
        return blocks() * perBlock();
    }

    /** How many of the kernel's sectors a block has. */
    int perBlock() {
        return blockBytes / Partition.SECTOR_BYTES;
    }

    /** Bytes from the kernel's sector {@code start} on, in little endian; null if not all of them are there. */
    @Nullable
    ByteBuffer read(long start, int count) throws IOException {
        if (start < 0 || start >= sectors() || count > (sectors() - start) * Partition.SECTOR_BYTES) {
            return null;
        }
        byte[] bytes = new byte[count];
        return source.read(start * Partition.SECTOR_BYTES, bytes)
                ? ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
                : null;
    }

    /** One of the kernel's sectors, or null. */
    @Nullable
    ByteBuffer sector(long start) throws IOException {
        return read(start, Partition.SECTOR_BYTES);
    }
}
