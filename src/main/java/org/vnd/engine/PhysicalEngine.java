package org.vnd.engine;

import org.vnd.extent.ExtentMap;
import org.vnd.ring.Ring;
import org.vnd.sys.SysException;

/**
 * Moves data to and from the block device under the image's file system, at the places the pinned map gives: no file
 * system and no page cache in the path, and nothing to look up but memory that is locked.
 */
public final class PhysicalEngine extends Engine {
    private final ExtentMap map;
    private final long offsetBytes;
    /** Of what was located last. */
    private long contiguousBytes;

    /**
     * @param device descriptor of the block device, O_DIRECT
     * @param map of the whole image, without holes
     * @param offsetBytes where in the image the disk begins, a multiple of {@code blockSizeBytes}
     * @param sizeBytes of the disk
     * @param blockSizeBytes the device's logical block size
     * @param deallocates whether the device can punch holes, as far as is known
     * @throws SysException ENOMEM
     */
    public PhysicalEngine(
            Ring ring,
            Gate gate,
            int device,
            ExtentMap map,
            long offsetBytes,
            long sizeBytes,
            int blockSizeBytes,
            boolean readOnly,
            boolean deallocates)
            throws SysException {
        // blkdev_fallocate() of Linux's block/fops.c writes zeros where the device has no command for it: not fast.
        super(
                ring,
                gate,
                device,
                sizeBytes,
                blockSizeBytes,
                readOnly,
                new Deallocation(deallocates && !readOnly, false));
        assert offsetBytes % blockSizeBytes == 0 && offsetBytes + sizeBytes <= map.sizeBytes();
        this.map = map;
        this.offsetBytes = offsetBytes;
    }

    @Override
    protected long locate(long diskOffset, long wantedBytes) {
        long at = offsetBytes + diskOffset;
        long place = map.place(at, wantedBytes);
        if (place >= 0) {
            contiguousBytes = wantedBytes;
            return place;
        }
        int extent = map.find(at);
        assert !map.hole(extent) : "a hole in a physical map";
        contiguousBytes = map.endBytes(extent) - at;
        return map.physicalBytes(extent) + (at - map.startBytes(extent));
    }

    @Override
    protected long contiguousBytes() {
        return contiguousBytes;
    }

    @Override
    protected boolean liesAt(long place, long diskOffset, long lengthBytes) {
        long at = offsetBytes + diskOffset;
        // By the runs themselves, and never by the lines that tell of a place at once.
        int extent = map.find(at);
        return lengthBytes <= map.endBytes(extent) - at
                && !map.hole(extent)
                && place == map.physicalBytes(extent) + (at - map.startBytes(extent));
    }

    @Override
    protected void willChange(long fromBytes, long toBytes) {
        // Everything has storage already, and keeps it.
    }

    @Override
    public boolean allocated(long diskOffset) {
        return true;
    }

    @Override
    public long runLengthBytes(long diskOffset) {
        return sizeBytes() - diskOffset;
    }
}
