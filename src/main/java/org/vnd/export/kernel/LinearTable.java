package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.vnd.sys.abi.DmTargetSpec;

/**
 * A table of linear targets: where each sector of a disk lies, on the devices below the one that the image's file system is
 * on. Pure arithmetic; what the device mapper is told, and what is compared later.
 */
final class LinearTable {
    /**
     * The most targets of a table. On Linux 6.12 so many took 29 MB of kernel memory, which is never paged out, and 10 s in
     * a virtual machine without hardware support on a busy host; the kernel's own limit is ten times as high. Before Linux
     * 6.11 every flush goes to each target, and one with so many would be slow.
     */
    static final int TARGETS_MAX = 100_000;

    private static final int WORDS = 3;

    /** Of each target: where it begins in the disk, where on its device, and the device, {@link #device}. */
    private long[] entries = new long[16 * WORDS];

    private int count;
    private long sectors;

    private LinearTable() {}

    /** One target that leads to the beginning of {@code sectors} from {@code start} of a device. */
    static LinearTable slice(int major, int minor, long start, long sectors) throws IOException {
        LinearTable table = new LinearTable();
        table.add(device(major, minor), start, sectors);
        return table;
    }

    /**
     * Translates the first {@code sectors} of {@code runs}, which are on the dm device with the table {@code mounted}, to
     * the devices that this one leads to.
     *
     * @throws IOException a target is in the way, or the table gets too long
     */
    static LinearTable translate(DiskRuns runs, long sectors, List<DmTarget> mounted) throws IOException {
        LinearTable table = new LinearTable();
        DmPlaces[] places = new DmPlaces[mounted.size()];
        long rest = sectors;
        for (int index = 0; index < runs.count() && rest > 0; index++) {
            long sector = runs.place(index);
            long end = sector + Math.min(runs.length(index), rest);
            rest -= end - sector;
            while (sector < end) {
                int line = find(mounted, sector);
                if (places[line] == null) {
                    places[line] = DmPlaces.of(mounted.get(line));
                }
                DmPlaces place = places[line];
                long length = Math.min(end - sector, place.contiguousSectors(sector));
                DmPlaces.Start start = place.place(sector);
                table.add(device(start.major(), start.minor()), start.sector(), length);
                sector += length;
            }
        }
        assert rest == 0 && table.sectors == sectors;
        return table;
    }

    /** The line of the table that has {@code sector}. */
    private static int find(List<DmTarget> mounted, long sector) throws IOException {
        int low = 0;
        int high = mounted.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (mounted.get(middle).end() <= sector) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low == mounted.size() || mounted.get(low).start() > sector) {
            throw new IOException("the dm device under its file system has no sector " + sector);
        }
        return low;
    }

    static String tooMany() {
        return "it lies in more than " + TARGETS_MAX + " pieces, which is too much for the device mapper";
    }

    private static long device(int major, int minor) {
        return (long) major << 32 | minor;
    }

    private void add(long device, long place, long length) throws IOException {
        assert length > 0 && place >= 0;
        int last = (count - 1) * WORDS;
        boolean goesOn = count > 0 && entries[last + 2] == device && entries[last + 1] + length(count - 1) == place;
        if (!goesOn) {
            if (count == TARGETS_MAX) {
                throw new IOException(tooMany());
            }
            int at = count++ * WORDS;
            if (at == entries.length) {
                entries = Arrays.copyOf(entries, 2 * at);
            }
            entries[at] = sectors;
            entries[at + 1] = place;
            entries[at + 2] = device;
        }
        sectors += length;
    }

    int count() {
        return count;
    }

    /** Of the whole disk. */
    long sectors() {
        return sectors;
    }

    /** The first sector of target {@code index} in the disk. */
    long start(int index) {
        return entries[index * WORDS];
    }

    /** In sectors. */
    long length(int index) {
        return (index == count - 1 ? sectors : start(index + 1)) - start(index);
    }

    /** The first sector of target {@code index} on its device. */
    long place(int index) {
        return entries[index * WORDS + 1];
    }

    /** As the device mapper wants it: {@code 254:16 2048}. */
    String parameters(int index) {
        long device = entries[index * WORDS + 2];
        return (device >>> 32) + ":" + (int) device + " " + place(index);
    }

    /** What {@link #encode} needs at most. */
    int encodedBytes() {
        // Numbers of 4, 7 and 19 digits, what is between them and behind, and the alignment.
        return count * (DmTargetSpec.SIZE_BYTES + 40);
    }

    /** Writes it as struct dm_target_spec, each with its parameters, from {@code offset} of the zeroed {@code memory}. */
    void encode(ByteBuffer memory, int offset) {
        int at = offset;
        for (int index = 0; index < count; index++) {
            at = encode(memory, at, start(index), length(index), "linear", parameters(index));
        }
    }

    /** Writes one target at {@code at} and returns where the next one begins. */
    static int encode(ByteBuffer memory, int at, long start, long length, String type, String parameters) {
        byte[] text = parameters.getBytes(StandardCharsets.US_ASCII);
        int size = DmTargetSpec.SIZE_BYTES + text.length + 1 + 7 & -8;
        memory.putLong(at + DmTargetSpec.SECTOR_START_OFFSET, start)
                .putLong(at + DmTargetSpec.LENGTH_OFFSET, length)
                .putInt(at + DmTargetSpec.NEXT_OFFSET, size)
                .put(at + DmTargetSpec.TARGET_TYPE_OFFSET, type.getBytes(StandardCharsets.US_ASCII))
                .put(at + DmTargetSpec.SIZE_BYTES, text);
        return at + size;
    }

    /** Whether both lead every sector to the same place. */
    boolean leadsWhere(LinearTable other) {
        return sectors == other.sectors
                && count == other.count
                && Arrays.equals(entries, 0, count * WORDS, other.entries, 0, count * WORDS);
    }
}
