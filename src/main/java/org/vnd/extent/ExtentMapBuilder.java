package org.vnd.extent;

import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.SysException;

/**
 * Collects the runs of a file, or of a part of it, in ascending order, merges what is adjacent in the file and on the
 * device, fills gaps with holes, and makes an {@link ExtentMap} of it. Its memory is off heap, and grows by blocks.
 */
public final class ExtentMapBuilder implements AutoCloseable {
    private static final int ENTRY_BYTES = 2 * Long.BYTES;
    /** A block has twice as many as the one before, up to a MiB. */
    private static final int BLOCK_ENTRIES_MIN = AlignedBuffer.PAGE_BYTES / ENTRY_BYTES;

    private static final int BLOCK_ENTRIES_MAX = (1 << 20) / ENTRY_BYTES;
    /** Never the physical offset of a run, nor {@link ExtentMap#HOLE}. */
    private static final long NOTHING = Long.MIN_VALUE;

    private final long startBytes;
    private long sizeBytes;
    private final AtomicInteger room;
    private final List<Block> blocks = new ArrayList<>();
    private Block last;
    /** Where {@link #next} goes on. */
    private int nextBlock;

    private int nextEntry;
    private int count;
    private int holes;
    private long endBytes;
    /** The physical offset with which a run would continue the last one, {@link ExtentMap#HOLE} after a hole. */
    private long nextPhysicalBytes = NOTHING;

    private long offsetBits;
    private long physicalMaxBytes;

    /** A map of a file of {@code sizeBytes}, more than 0. */
    public ExtentMapBuilder(long sizeBytes) throws SysException {
        this(0, sizeBytes, roomFor(1));
    }

    /**
     * For the bytes from {@code startBytes} to {@code sizeBytes}, to be added to a builder for those before.
     *
     * @param room how many entries the parts of a file may still make room for
     */
    ExtentMapBuilder(long startBytes, long sizeBytes, AtomicInteger room) throws SysException {
        if (startBytes < 0 || sizeBytes <= startBytes) {
            throw new IllegalArgumentException("a map from " + startBytes + " to " + sizeBytes);
        }
        this.startBytes = startBytes;
        this.endBytes = startBytes;
        this.sizeBytes = sizeBytes;
        this.room = room;
        this.last = new Block(BLOCK_ENTRIES_MIN);
        this.blocks.add(last);
    }

    /** For the largest map, of which each part leaves some of its last block empty. */
    static AtomicInteger roomFor(int parts) {
        return new AtomicInteger(ExtentMap.EXTENTS_MAX + parts * BLOCK_ENTRIES_MAX);
    }

    /**
     * Adds a run with storage, which must start at or after the end of the last one. What lies between is a hole. What
     * lies past the size of the file is left out, in a part what lies before it, too.
     *
     * @throws SysException ENOMEM, or EOVERFLOW at more than {@link ExtentMap#EXTENTS_MAX} extents
     */
    public void addData(long logicalBytes, long physicalBytes, long lengthBytes) throws SysException {
        boolean before = startBytes > 0 && logicalBytes < startBytes && count == 0;
        if ((logicalBytes < endBytes && !before) || lengthBytes <= 0 || physicalBytes < 0) {
            throw new IllegalArgumentException(
                    "run at " + logicalBytes + ", " + physicalBytes + ", of " + lengthBytes + " after " + endBytes);
        }
        long skipped = before ? startBytes - logicalBytes : 0;
        if (logicalBytes >= sizeBytes || lengthBytes <= skipped) {
            return;
        }
        long length = Math.min(lengthBytes, sizeBytes - logicalBytes) - skipped;
        addRun(logicalBytes + skipped, physicalBytes + skipped, length);
    }

    private void addRun(long logicalBytes, long physicalBytes, long lengthBytes) throws SysException {
        fillTo(logicalBytes);
        if (physicalBytes != nextPhysicalBytes) {
            append(physicalBytes);
        }
        endBytes = logicalBytes + lengthBytes;
        nextPhysicalBytes = physicalBytes + lengthBytes;
        // Of the last byte: a run may begin where 32 bits suffice, and end where they don't.
        physicalMaxBytes = Math.max(physicalMaxBytes, nextPhysicalBytes - 1);
    }

    /** Adds {@code part}, which begins where this one's bytes end. */
    void add(ExtentMapBuilder part) throws SysException {
        if (part.startBytes != sizeBytes) {
            throw new IllegalArgumentException("a part from " + part.startBytes + " on after " + sizeBytes);
        }
        fillTo(sizeBytes);
        part.fillTo(part.sizeBytes);
        sizeBytes = part.sizeBytes;
        // The first may continue the last here; the others can't, and come as they are.
        Block first = part.blocks.get(0);
        long firstPhysicalBytes = first.entries.get(1);
        long firstEndBytes = part.count > 1 ? first.entries.get(2) : part.sizeBytes;
        if (firstPhysicalBytes == ExtentMap.HOLE) {
            fillTo(firstEndBytes);
        } else {
            addRun(part.startBytes, firstPhysicalBytes, firstEndBytes - part.startBytes);
        }
        first.begin = 1;
        blocks.addAll(part.blocks);
        last = part.last;
        part.blocks.clear();
        count += part.count - 1;
        holes += part.holes - (firstPhysicalBytes == ExtentMap.HOLE ? 1 : 0);
        offsetBits |= part.offsetBits;
        endBytes = part.endBytes;
        nextPhysicalBytes = part.nextPhysicalBytes;
        physicalMaxBytes = Math.max(physicalMaxBytes, part.physicalMaxBytes);
    }

    private static SysException tooMany() {
        return new SysException("map of more than " + ExtentMap.EXTENTS_MAX + " extents", "", Errno.EOVERFLOW);
    }

    /** Makes the map and ends the builder. The rest of the file is a hole. */
    public ExtentMap build() throws SysException {
        fillTo(sizeBytes);
        if (count > ExtentMap.EXTENTS_MAX) {
            throw tooMany();
        }
        try {
            return new ExtentMap(this);
        } finally {
            close();
        }
    }

    private void fillTo(long logicalBytes) throws SysException {
        if (endBytes == logicalBytes) {
            return;
        }
        if (nextPhysicalBytes != ExtentMap.HOLE) {
            append(ExtentMap.HOLE);
            holes++;
        }
        endBytes = logicalBytes;
        nextPhysicalBytes = ExtentMap.HOLE;
    }

    /** Begins a run where the last one ends. */
    private void append(long physicalBytes) throws SysException {
        if (last.end == last.capacity) {
            int capacity = Math.min(2 * last.capacity, BLOCK_ENTRIES_MAX);
            if (room.addAndGet(-capacity) < 0) {
                throw tooMany();
            }
            last = new Block(capacity);
            blocks.add(last);
        }
        last.entries.put(2 * last.end, endBytes).put(2 * last.end + 1, physicalBytes);
        last.end++;
        if (count > 0 || startBytes == 0) {
            // A part may begin in the midst of a run: whether its first is one shows when it is added.
            offsetBits |= endBytes | (physicalBytes == ExtentMap.HOLE ? 0 : physicalBytes);
        }
        count++;
    }

    int count() {
        return count;
    }

    int holes() {
        return holes;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** {@link #next} begins anew. */
    void rewind() {
        nextBlock = 0;
        nextEntry = 0;
    }

    /** Copies the next runs to {@code target}: the logical and the physical offset of each, in bytes. How many, 0 at the end. */
    int next(long[] target) {
        while (nextBlock < blocks.size()) {
            Block block = blocks.get(nextBlock);
            int from = Math.max(nextEntry, block.begin);
            int runs = Math.min(block.end - from, target.length / 2);
            if (runs > 0) {
                block.entries.get(2 * from, target, 0, 2 * runs);
                nextEntry = from + runs;
                return runs;
            }
            nextBlock++;
            nextEntry = 0;
        }
        return 0;
    }

    /** All logical and physical offsets or'ed: their common alignment is its lowest bit. */
    long offsetBits() {
        return offsetBits;
    }

    long physicalMaxBytes() {
        return physicalMaxBytes;
    }

    @Override
    public void close() {
        blocks.forEach(block -> block.buffer.close());
        blocks.clear();
    }

    /** Some entries: the logical and the physical offset of each, in bytes. */
    private static final class Block {
        private final AlignedBuffer buffer;
        private final LongBuffer entries;
        private final int capacity;
        private int begin;
        private int end;

        Block(int capacity) throws SysException {
            this.capacity = capacity;
            this.buffer = new AlignedBuffer(capacity * ENTRY_BYTES);
            this.entries = buffer.bytes().asLongBuffer();
        }
    }
}
