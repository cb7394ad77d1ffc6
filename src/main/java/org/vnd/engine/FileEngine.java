package org.vnd.engine;

import java.util.BitSet;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * Moves data to and from the image file itself with O_DIRECT, for what can't be physical. The file system looks up each
 * place, and allocates where the image has holes.
 *
 * <p>What has storage the file system is asked anew each time, by lseek(2): others may have written to the file since. What
 * this engine has written to counts as allocated for good, in chunks: a client that had zeros written without a hole is told
 * of none, though the file system takes blocks that it has only reserved for one.
 */
public final class FileEngine extends Engine {
    /** Chunks the account of writes has at most: 128 KiB of bits, however large the disk. */
    private static final int CHUNK_LIMIT = 1 << 20;

    private static final int SMALLEST_CHUNK_SHIFT = 16;

    private final int file;
    private final boolean tellsHoles;
    private final long offsetBytes;
    private final int chunkShift;
    private final BitSet written;

    /** What was asked for last, and for how far the answer goes. */
    private long askedBytes = -1;

    private long answerEndBytes;

    /**
     * @param file descriptor of the image, O_DIRECT where the file system has it
     * @param tellsHoles whether its file system tells where holes are; if not, everything counts as allocated
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
            boolean tellsHoles,
            long offsetBytes,
            long sizeBytes,
            int blockSizeBytes,
            boolean readOnly,
            boolean deallocates)
            throws SysException {
        super(ring, gate, file, sizeBytes, blockSizeBytes, readOnly, new Deallocation(deallocates && !readOnly, true));
        assert offsetBytes % blockSizeBytes == 0;
        this.file = file;
        this.tellsHoles = tellsHoles;
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
        if (tellsHoles) {
            written.set((int) (fromBytes >>> chunkShift), (int) ((toBytes - 1) >>> chunkShift) + 1);
        }
    }

    @Override
    public boolean allocated(long diskOffset) {
        askedBytes = diskOffset;
        int chunk = (int) (diskOffset >>> chunkShift);
        if (!tellsHoles) {
            answerEndBytes = sizeBytes();
            return true;
        }
        if (written.get(chunk)) {
            answerEndBytes = chunkStart(written.nextClearBit(chunk));
            return true;
        }
        long start = offsetBytes + diskOffset;
        long data = FileCalls.seek(file, start, FileCalls.SEEK_DATA);
        boolean hole = data > start || (data == -Errno.ENXIO && reachesTheEnd());
        long end = hole ? data : FileCalls.seek(file, start, FileCalls.SEEK_HOLE);
        long runEnd = end > start ? end - offsetBytes : sizeBytes();
        answerEndBytes = Math.min(runEnd, chunkStart(written.nextSetBit(chunk)));
        return !hole;
    }

    /** Whether the file still has the disk's last byte. What was cut off is no hole: a client must not take it for zeros. */
    private boolean reachesTheEnd() {
        return FileCalls.seek(file, 0, FileCalls.SEEK_END) >= offsetBytes + sizeBytes();
    }

    /** Where {@code chunk} begins on the disk, or where the disk ends; {@code chunk} may be none, −1. */
    private long chunkStart(int chunk) {
        return chunk < 0 ? sizeBytes() : Math.min(sizeBytes(), (long) chunk << chunkShift);
    }

    @Override
    public long runLengthBytes(long diskOffset) {
        if (diskOffset != askedBytes) {
            allocated(diskOffset);
        }
        return answerEndBytes - diskOffset;
    }
}
