package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.AttachOptions;
import org.vnd.export.KernelDevice;
import org.vnd.export.Partitions;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.mem.AlignedBuffer;
import org.vnd.partition.PartitionTable;
import org.vnd.partition.TableSector;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;

/**
 * The partition table of an image that nothing has served yet, read where the engine would read it: the disk's sector, and
 * what its users will see of the table and what not.
 */
final class ImagePartitions {
    /** For which nearly all tables are made, and which every engine of ours can do. */
    private static final int USUAL_SECTOR_BYTES = 512;

    /** As much is read at once; a GPT is a quarter of it. */
    private static final int PIECE_BYTES = 64 << 10;

    private final AttachedImage image;
    private final AttachOptions options;
    /** The device's logical block, which is the disk's where nothing speaks against it. */
    private final int deviceSectorBytes;
    /** For which the table was made, 0 if that can't be told. */
    private final int tableSectorBytes;

    private final int sectorBytes;
    private final PartitionTable table;
    /** What of the image couldn't be read for it. */
    private final List<String> unreadable;
    /** How the kernel's partitions differ from the table's, once there is a device; empty if they don't. */
    private String difference = "";

    private ImagePartitions(
            AttachedImage image,
            AttachOptions options,
            int deviceSectorBytes,
            int tableSectorBytes,
            int sectorBytes,
            PartitionTable table,
            List<String> unreadable) {
        this.image = image;
        this.options = options;
        this.deviceSectorBytes = deviceSectorBytes;
        this.tableSectorBytes = tableSectorBytes;
        this.sectorBytes = sectorBytes;
        this.table = table;
        this.unreadable = unreadable;
    }

    /** Reads the table of {@code image}. */
    static ImagePartitions of(AttachedImage image, AttachOptions options) throws IOException {
        // What the file engine's descriptor asks for is the alignment of O_DIRECT, and no sector.
        int device = image.engine() == Engine.PHYSICAL ? image.blockBytes() : USUAL_SECTOR_BYTES;
        int preferred = options.sectorBytes(device);
        boolean needed = !List.of(AttachOptions.NBD, AttachOptions.FUSE).contains(options.export());
        try (AlignedBuffer piece = new AlignedBuffer(PIECE_BYTES)) {
            List<String> unreadable = new ArrayList<>();
            PartitionTable.Source source =
                    (offsetBytes, bytes) -> needed && read(image, piece, offsetBytes, bytes, unreadable);
            int tableSector = TableSector.of(source, image.sizeBytes(), preferred);
            int sector = options.hasSector() || tableSector == 0 ? preferred : tableSector;
            PartitionTable table = PartitionTable.read(source, sector, image.sizeBytes());
            return new ImagePartitions(image, options, device, tableSector, sector, table, unreadable);
        }
    }

    /** The disk's logical block: the one that was asked for, else the table's, else the device's. */
    int sectorBytes() {
        return sectorBytes;
    }

    /** Why it has this sector, where that isn't the user's wish: ", which its partition table is for,". */
    String sectorReason() {
        return options.hasSector() ? "" : ", which its partition table is for,";
    }

    /** Which exports have this sector, where the user hasn't chosen it. */
    String otherExports() {
        return options.hasSector() || options.export().equals(AttachOptions.AUTO)
                ? ""
                : ": ublk, nbd-kernel and fuse+loop can, or --sector-size " + deviceSectorBytes;
    }

    /**
     * Kernels cut a partition that doesn't fit, or leave it out, and say so where nobody looks; its file system would be
     * mounted and fail where it ends.
     *
     * @throws IOException a partition doesn't fit, with the line for the user
     */
    void requireFit() throws IOException {
        Optional<String> misfit = table.misfit();
        if (misfit.isEmpty()) {
            return;
        }
        if (contradicted()) {
            throw new IOException(options.file() + ": its partition table is for sectors of " + tableSectorBytes
                    + " bytes, and the disk has " + sectorBytes + ": --sector-size " + tableSectorBytes
                    + ", or --export nbd");
        }
        // What the file has beyond the disk is kept out by the limit alone.
        boolean limited = options.sizeLimitBytes() > 0 && image.sizeBytes() < image.fileBytes() - image.offsetBytes();
        throw new IOException(options.file() + ": its " + misfit.get() + ", and the disk at " + image.sizeBytes() + ": "
                + (limited ? "raise --sizelimit" : "lengthen it")
                + ", or attach it without a block device (--export nbd)");
    }

    /** Whether {@link #requireFit} lets it pass. */
    boolean fit() {
        return table.misfit().isEmpty();
    }

    private boolean contradicted() {
        return tableSectorBytes != 0 && tableSectorBytes != sectorBytes;
    }

    /** Has the kernel know the partitions of {@code device}, where it doesn't by itself. */
    void settle(KernelDevice device) throws IOException {
        if (device.export().equals(AttachOptions.DM)) {
            // Which makes them of the same table.
            return;
        }
        String name = Path.of(device.node()).getFileName().toString();
        difference = table.difference(Partitions.shown(name));
        if (table.kind() == PartitionTable.Kind.NONE || !difference.isEmpty()) {
            Partitions.update(device.node());
            difference = table.difference(Partitions.shown(name));
        }
    }

    /** What the user has to know of a disk that is there, a line each; with a device of this host or without. */
    List<String> warnings(boolean withDevice) {
        boolean blocks = withDevice && !options.export().equals(AttachOptions.FUSE);
        List<String> warnings = new ArrayList<>();
        long size = blocks ? image.sizeBytes() / sectorBytes * sectorBytes : image.sizeBytes();
        long wanted = image.fileBytes() - image.offsetBytes();
        if (options.sizeLimitBytes() > 0) {
            wanted = Math.min(wanted, options.sizeLimitBytes());
        }
        if (size < wanted) {
            int sector = blocks ? sectorBytes : options.sectorBytes(USUAL_SECTOR_BYTES);
            warnings.add(
                    "its last " + (wanted - size) + " bytes, no whole sector of " + sector + ", aren't in the disk");
        }
        if (blocks) {
            addTableWarnings(warnings);
        }
        warnings.replaceAll(warning -> options.file() + ": " + warning);
        return warnings;
    }

    private void addTableWarnings(List<String> warnings) {
        if (!unreadable.isEmpty()) {
            warnings.add(
                    "while its partition table was read, byte " + unreadable.get(0) + ": what is there isn't known");
        }
        if (contradicted()) {
            warnings.add("its partition table is for sectors of " + tableSectorBytes + " bytes, and the disk has "
                    + sectorBytes + ", as asked for: its partitions aren't where they were made");
        } else {
            if (sectorBytes != deviceSectorBytes && !options.hasSector()) {
                warnings.add("the disk has sectors of " + sectorBytes
                        + " bytes, which its partition table is for; without it, it would have " + deviceSectorBytes);
            }
            boolean mbr = table.kind() == PartitionTable.Kind.MBR
                    && !table.partitions().isEmpty();
            if (mbr && tableSectorBytes == 0 && sectorBytes != USUAL_SECTOR_BYTES && !options.hasSector()) {
                warnings.add(
                        "its partition table doesn't tell for which sectors it was made: the disk has " + sectorBytes
                                + " bytes, as its device (--sector-size " + USUAL_SECTOR_BYTES + " for the usual)");
            }
            warnings.addAll(table.remarks());
        }
        if (!difference.isEmpty()) {
            warnings.add("the kernel shows its partitions otherwise than its table: " + difference);
        }
    }

    /** A place with an error isn't there: the disk is attached all the same, and its users get that error. */
    private static boolean read(
            AttachedImage image, AlignedBuffer piece, long offsetBytes, byte[] bytes, List<String> unreadable) {
        int blockBytes = image.blockBytes();
        int done = 0;
        while (done < bytes.length) {
            long at = image.offsetBytes() + offsetBytes + done;
            int into = (int) (at % blockBytes);
            long blocks = (into + (bytes.length - done) + blockBytes - 1L) / blockBytes;
            long from = at - into;
            long length = Math.min(PIECE_BYTES, blocks * blockBytes);
            long place = from;
            ExtentMap map = image.map();
            if (image.engine() == Engine.PHYSICAL && map != null) {
                // No run of a file system ends within a block of its device.
                int run = map.find(from);
                length = Math.min(length, map.endBytes(run) - from);
                place = map.physicalBytes(run) + (from - map.startBytes(run));
            }
            long count = FileCalls.pread(image.fd(), piece.address(), length, place);
            if (count < 0) {
                unreadable.add((offsetBytes + done) + " couldn't be: " + Errno.message((int) -count));
                return false;
            }
            if (count <= into) {
                return false;
            }
            int got = (int) Math.min(count - into, bytes.length - done);
            piece.bytes().get(into, bytes, done, got);
            done += got;
        }
        return true;
    }
}
