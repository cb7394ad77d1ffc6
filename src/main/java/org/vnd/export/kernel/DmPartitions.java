package org.vnd.export.kernel;

import java.io.IOException;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.vnd.export.Removal;
import org.vnd.mem.AlignedBuffer;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.partition.Partition;
import org.vnd.partition.PartitionTable;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * The partitions of a dm device of ours. The kernel looks for none on a dm device and doesn't let itself be told of them
 * (BLKPG and BLKRRPART are EINVAL there, seen on Linux 6.12), so each is a dm device of its own that leads to a part of the
 * disk, with a UUID by kpartx(8)'s custom, which {@link BlockNode#ofDisk} finds.
 *
 * <p>As long as there are any they hold the disk, so that whoever wants all of it to himself, as mkfs of the whole disk, is
 * told that it is in use, until the table is gone.
 */
final class DmPartitions implements AutoCloseable {
    /** What shows a change of an MBR, or of a GPT, whose header has a checksum of the rest. */
    private static final int LOOKED_AT_BYTES = 2 * AlignedBuffer.PAGE_BYTES;

    private final int control;
    private final LinearDevice disk;
    private final String name;
    private final String uuid;
    private final long sectors;
    private final int blockBytes;
    private final boolean readOnly;
    private final DeviceNames names;
    private final AlignedBuffer seen = new AlignedBuffer(LOOKED_AT_BYTES);
    private final AlignedBuffer now = new AlignedBuffer(LOOKED_AT_BYTES);
    private final Map<Partition, LinearDevice> devices =
            new TreeMap<>(Comparator.comparingInt(Partition::number).thenComparingLong(Partition::start));
    /** A partition that the table doesn't have any more was in use, or the disk couldn't be read. */
    private boolean unsettled;

    /**
     * Makes the disk, with no partitions yet.
     *
     * @throws SysException it can't be, and nothing is left; EBUSY if there is one of this name or UUID
     */
    DmPartitions(
            int control,
            String name,
            String uuid,
            LinearTable table,
            int blockBytes,
            boolean readOnly,
            DeviceNames names,
            LinearDevice.Told beforeItServes,
            Removal removal)
            throws IOException {
        this.control = control;
        this.name = name;
        this.uuid = uuid;
        this.sectors = table.sectors();
        this.blockBytes = blockBytes;
        this.readOnly = readOnly;
        this.names = names;
        this.disk = LinearDevice.make(
                control,
                name,
                uuid,
                table,
                readOnly,
                names,
                beforeItServes,
                (unusable, cause) -> removal.certain(unusable.node(), cause, unusable::requireRemoved));
    }

    LinearDevice disk() {
        return disk;
    }

    /** Makes the devices of new partitions, and removes those of partitions that are gone and that nobody uses. */
    void look() throws IOException {
        // Through the disk's own cache, like those who write tables: nothing is read while nothing changes.
        long count = FileCalls.pread(disk.fd(), now.address(), LOOKED_AT_BYTES, 0);
        boolean changed = count >= blockBytes && !seen.bytes().equals(now.bytes());
        if (changed || unsettled) {
            seen.bytes().put(0, now.bytes(), 0, LOOKED_AT_BYTES);
            unsettled = true;
            List<Partition> wanted = PartitionTable.read(this::read, blockBytes, sectors * DiskRuns.SECTOR_BYTES)
                    .partitions();
            unsettled = !removeAllBut(wanted);
            for (Partition partition : wanted) {
                if (!devices.containsKey(partition) && !numberInUse(partition)) {
                    devices.put(partition, make(partition));
                }
            }
        }
    }

    private boolean numberInUse(Partition partition) {
        return devices.keySet().stream().anyMatch(other -> other.number() == partition.number());
    }

    private LinearDevice make(Partition partition) throws IOException {
        LinearTable table = LinearTable.slice(disk.major(), disk.minor(), partition.start(), partition.sectors());
        String suffix = "p" + partition.number();
        String partitionUuid = "part" + partition.number() + "-" + uuid;
        // Nobody waits for one that is in use: what the disk answers it answers too, until it goes.
        return LinearDevice.make(
                control,
                name + suffix,
                partitionUuid,
                table,
                readOnly,
                names,
                // What it leads to is known.
                partitionDevice -> {},
                (unusable, cause) -> unusable.removeLater());
    }

    private boolean read(long offsetBytes, byte[] bytes) throws SysException {
        try (AlignedBuffer buffer = new AlignedBuffer(bytes.length)) {
            long count = FileCalls.pread(disk.fd(), buffer.address(), bytes.length, offsetBytes);
            buffer.bytes().get(0, bytes);
            return count == bytes.length;
        }
    }

    /** Whether all that are left are wanted. */
    private boolean removeAllBut(List<Partition> wanted) throws IOException {
        boolean all = true;
        for (Iterator<Map.Entry<Partition, LinearDevice>> each =
                        devices.entrySet().iterator();
                each.hasNext(); ) {
            Map.Entry<Partition, LinearDevice> entry = each.next();
            if (wanted.contains(entry.getKey())) {
                continue;
            }
            if (entry.getValue().remove()) {
                each.remove();
            } else {
                all = false;
            }
        }
        return all;
    }

    int count() {
        return devices.size();
    }

    /** Whether one of them is open. */
    boolean inUse() throws SysException {
        for (LinearDevice device : devices.values()) {
            if (device.users() > 0) {
                return true;
            }
        }
        return false;
    }

    /** Removes all; whether they are gone. Those that aren't are in use, and {@link #look} brings the others back. */
    boolean remove() throws IOException {
        unsettled = true;
        return removeAllBut(List.of());
    }

    @Override
    public void close() {
        seen.close();
        now.close();
    }
}
