package org.vnd.export.kernel;

import java.io.IOException;
import java.util.Arrays;

/**
 * Where a disk's bytes lie on the device under its image's file system: runs, in the order of the disk, each behind the
 * one before. Kept in sectors of 512 bytes, as the device mapper counts.
 */
public final class DiskRuns {
    /** The device mapper's, whatever the device's block is. */
    static final int SECTOR_SHIFT = 9;

    static final int SECTOR_BYTES = 1 << SECTOR_SHIFT;

    private long[] place = new long[16];
    private long[] length = new long[16];
    private int count;
    private long sectors;

    /**
     * The disk goes on with {@code lengthBytes} at {@code physicalBytes} of the device.
     *
     * @throws IOException that isn't whole sectors, or there are more runs than a table can have
     */
    public void add(long physicalBytes, long lengthBytes) throws IOException {
        if (((physicalBytes | lengthBytes) & SECTOR_BYTES - 1) != 0) {
            throw new IOException("its blocks aren't whole sectors: " + lengthBytes + " bytes at " + physicalBytes
                    + " of the device");
        }
        if (physicalBytes < 0 || lengthBytes <= 0 || Long.MAX_VALUE - physicalBytes < lengthBytes) {
            throw new IllegalArgumentException(lengthBytes + " bytes at " + physicalBytes);
        }
        long sector = physicalBytes >>> SECTOR_SHIFT;
        long more = lengthBytes >>> SECTOR_SHIFT;
        sectors = Math.addExact(sectors, more);
        if (count > 0 && place[count - 1] + length[count - 1] == sector) {
            length[count - 1] += more;
            return;
        }
        if (count == LinearTable.TARGETS_MAX) {
            throw new IOException(LinearTable.tooMany());
        }
        if (count == place.length) {
            place = Arrays.copyOf(place, 2 * count);
            length = Arrays.copyOf(length, 2 * count);
        }
        place[count] = sector;
        length[count++] = more;
    }

    int count() {
        return count;
    }

    /** Of the disk. */
    long sectors() {
        return sectors;
    }

    /** The first sector on the device of run {@code index}. */
    long place(int index) {
        assert index < count;
        return place[index];
    }

    /** In sectors, of run {@code index}. */
    long length(int index) {
        assert index < count;
        return length[index];
    }
}
