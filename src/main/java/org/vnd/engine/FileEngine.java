package org.vnd.engine;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.ExtentMap;
import org.vnd.ring.Ring;
import org.vnd.sys.SysException;

/**
 * Moves data to and from the image file itself with O_DIRECT, for what can't be physical. The file system looks up each
 * place, and allocates where the image has holes.
 *
 * <p>What has storage is known from the map as of attach, and from the writes since, in chunks: a chunk that was written
 * to counts as allocated for good. So a hole is reported only where nothing was ever written.
 */
public final class FileEngine extends Engine {
    /** Chunks the account of writes has at most: 128 KiB of bits, however large the disk. */
    private static final int CHUNK_LIMIT = 1 << 20;

    private static final int SMALLEST_CHUNK_SHIFT = 16;

    private final @Nullable ExtentMap map;
    private final long offsetBytes;
    private final int chunkShift;
    private final BitSet written;

    /**
     * @param file descriptor of the image, O_DIRECT where the file system has it
     * @param map of the whole image, or null where FIEMAP doesn't answer: then everything counts as allocated
     * @param offsetBytes where in the image the disk begins, a multiple of {@code blockSizeBytes}
     * @param sizeBytes of the disk
     * @param blockSizeBytes what O_DIRECT asks for on this file
     * @param deallocates whether the file system can punch holes, as far as is known
     * @throws SysException ENOMEM
     */
    public FileEngine(
            Ring ring,
            Gate gate,
            int file,
            @Nullable ExtentMap map,
            long offsetBytes,
            long sizeBytes,
            int blockSizeBytes,
            boolean readOnly,
            boolean deallocates)
            throws SysException {
        super(ring, gate, file, sizeBytes, blockSizeBytes, readOnly, new Deallocation(deallocates && !readOnly, true));
        assert offsetBytes % blockSizeBytes == 0;
        this.map = map;
        this.offsetBytes = offsetBytes;
        int shift = SMALLEST_CHUNK_SHIFT;
        while (sizeBytes >>> shift >= CHUNK_LIMIT) {
            shift++;
        }
        this.chunkShift = shift;
        this.written = new BitSet((int) (sizeBytes >>> shift) + 1);
    }

    @Override
    protected long locate(long diskOffset, long wantedBytes) {
        return offsetBytes + diskOffset;
    }

    @Override
    protected long contiguousBytes() {
        return Long.MAX_VALUE;
    }

    @Override
    protected boolean liesAt(long place, long diskOffset, long lengthBytes) {
        // The last block of a disk that is only read may be more than the file has.
        long end = sizeBytes() + blockSizeBytes() - 1 & -blockSizeBytes();
        return place == offsetBytes + diskOffset && diskOffset >= 0 && lengthBytes <= end - diskOffset;
    }

    @Override
    protected void willChange(long fromBytes, long toBytes) {
        if (map != null) {
            written.set((int) (fromBytes >>> chunkShift), (int) ((toBytes - 1) >>> chunkShift) + 1);
        }
    }

    @Override
    public boolean allocated(long diskOffset) {
        if (map == null || written.get((int) (diskOffset >>> chunkShift))) {
            return true;
        }
        int extent = map.find(offsetBytes + diskOffset);
        return !map.hole(extent);
    }

    @Override
    public long runLengthBytes(long diskOffset) {
        if (map == null) {
            return sizeBytes() - diskOffset;
        }
        int chunk = (int) (diskOffset >>> chunkShift);
        boolean changed = written.get(chunk);
        int nextChunk = changed ? written.nextClearBit(chunk) : written.nextSetBit(chunk);
        long end = nextChunk < 0 ? sizeBytes() : Math.min(sizeBytes(), (long) nextChunk << chunkShift);
        if (!changed) {
            int extent = map.find(offsetBytes + diskOffset);
            end = Math.min(end, map.endBytes(extent) - offsetBytes);
        }
        return end - diskOffset;
    }
}
