package org.vnd.daemon;

import java.io.IOException;
import java.util.Optional;
import org.vnd.export.kernel.PartitionTable;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** The partition table of an image that nothing has served yet, read where the engine would read it. */
final class ImagePartitions {
    /** For which nearly all tables are made. */
    private static final int USUAL_SECTOR_BYTES = 512;

    private ImagePartitions() {}

    /**
     * Kernels cut a partition that doesn't fit, or leave it out, and say so where nobody looks; its file system would be
     * mounted and fail where it ends.
     *
     * @param sectorBytes the disk's logical block, in which the table counts
     * @throws IOException a partition doesn't fit, with the line for the user; or the table can't be read
     */
    static void requireFit(AttachedImage image, int sectorBytes, String file) throws IOException {
        Optional<String> misfit;
        boolean fitsUsual;
        try (AlignedBuffer block = new AlignedBuffer(image.blockBytes())) {
            PartitionTable.Source source = (offsetBytes, bytes) -> read(image, block, offsetBytes, bytes);
            misfit = PartitionTable.misfit(source, sectorBytes, image.sizeBytes());
            fitsUsual = misfit.isPresent() && PartitionTable.fits(source, USUAL_SECTOR_BYTES, image.sizeBytes());
        }
        if (fitsUsual) {
            throw new IOException(
                    file + ": its partition table is for sectors of " + USUAL_SECTOR_BYTES + " bytes, and the disk"
                            + " has " + sectorBytes + ": --sector-size " + USUAL_SECTOR_BYTES + ", or --export nbd");
        }
        if (misfit.isPresent()) {
            throw new IOException(file + ": its " + misfit.get() + ", and the disk at " + image.sizeBytes()
                    + ": lengthen it, or attach it without a block device (--export nbd)");
        }
    }

    private static boolean read(AttachedImage image, AlignedBuffer block, long offsetBytes, byte[] bytes)
            throws SysException {
        int blockBytes = image.blockBytes();
        int done = 0;
        while (done < bytes.length) {
            long at = image.offsetBytes() + offsetBytes + done;
            int into = (int) (at % blockBytes);
            long place = place(image, at - into, blockBytes);
            long count = Libc.check(
                    FileCalls.pread(image.fd(), block.address(), blockBytes, place), "read", "its first blocks");
            if (count <= into) {
                return false;
            }
            int piece = (int) Math.min(count - into, bytes.length - done);
            block.bytes().get(into, bytes, done, piece);
            done += piece;
        }
        return true;
    }

    private static long place(AttachedImage image, long at, int blockBytes) {
        ExtentMap map = image.map();
        if (image.engine() != Engine.PHYSICAL || map == null) {
            return at;
        }
        // No run of a file system ends within a block of its device.
        int run = map.find(at);
        assert at + blockBytes <= map.endBytes(run);
        return map.physicalBytes(run) + (at - map.startBytes(run));
    }
}
