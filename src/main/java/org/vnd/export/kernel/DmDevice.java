package org.vnd.export.kernel;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
import org.vnd.export.KernelDevice;
import org.vnd.export.KernelModule;
import org.vnd.export.Removal;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.sys.DmRequest;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * The disk as a device of the kernel's device mapper, for an image in any number of pieces on a file system that lies on
 * the device mapper itself, as LVM's volumes do: a table of linear targets, one for each piece, on the devices <i>below</i>
 * the one that is mounted. That one belongs to its file system alone, but devices of the device mapper share what is below
 * them. Nothing of ours is on the way of a request.
 *
 * <p>What makes it sound: the pieces are those of the physical engine, which are pinned by the layout lock, and the way from
 * the mounted device down is its own table, taken only if it is nothing but linear and striped targets. What was calculated
 * is tried: blocks of every piece (of {@value DiskComparison#SAMPLES_MAX} of them, where there are more) are read by the
 * new device and by the mounted one and compared, before anybody has it.
 *
 * <p>What doesn't, beside what is said of loop devices: <b>the table of the mounted device may change</b>, and neither the
 * device mapper nor LVM knows of us. {@link #unchanged} sees it, if it is asked, and not before: event numbers don't help,
 * since putting another table to work is no event. What LVM does, and what it means for us:
 *
 * <ul>
 *   <li>lvextend, lvrename: the sectors we use stay where they are, and we go on.
 *   <li>lvcreate --snapshot of the volume: what is written by us isn't kept for the snapshot, so in it the image is what it
 *       happens to be; the volume itself is right. Seen, it is a target that is in the way, and the disk fails.
 *   <li>pvmove, lvconvert --type mirror or raid1, lvconvert to a cache or a writecache: what we write while data is copied
 *       or cached is missing in the copy, <b>and so lost when the old place is given up</b>. That the disk fails as soon as
 *       this is seen, within a second, keeps the damage to what was written in that second.
 *   <li>lvchange -an, lvremove: refused by LVM as long as the file system is mounted, which the open image keeps it.
 * </ul>
 *
 * So before such commands the disk is to be detached. Trim: the device mapper hands it down as it is, so the blocks stay
 * the file's, and what they contain afterwards is up to the device below, zeros or not; the engine and the loop driver ask
 * for zeros instead (FALLOC_FL_PUNCH_HOLE on a device). The file system's idea of its blocks is touched by neither.
 *
 * <p>When the daemon is killed, it is with the device as with a loop device: see {@link LinearDevice}. A difference is that
 * a volume group whose file system is unmounted then isn't protected by it, because only the layer below is held: recover
 * before giving the volume to somebody else.
 *
 * <pre>
 * DiskRuns runs = new DiskRuns();
 * image.map().pieces(image.offsetBytes(), image.sizeBytes(), runs::add);
 * FilePlace place = image.place();
 * DmDevice device = DmDevice.attach(image.fd(), place.deviceMajor(), place.deviceMinor(), place.inode(), runs,
 *         image.blockBytes(), image.readOnly(), unit.name(), names, this::tellLock, removal);
 * // by the watcher, once a second: if (!device.unchanged()) { device.fail(); gate.fail(…); }
 * </pre>
 */
public final class DmDevice implements KernelDevice {
    /**
     * Hears of a device that has its table, which isn't at work yet. If it is made to fail by then, it stays so: a table that is
     * loaded replaces the one before.
     */
    public interface BeforeItServes {
        /** Its node, and what {@link KernelDevice#failCommand} will say; what this throws ends it. */
        void hear(String node, List<String> failCommand) throws IOException;
    }

    /** Others may have taken the name by chance; twice is none. */
    private static final int NAME_ATTEMPTS = 8;

    /** Somebody who only looks at what has changed, as udev does after each close, is gone within half a second. */
    private static final int BUSY_ATTEMPTS = 10;

    private static final long BUSY_PAUSE_NANOS = 50_000_000;

    private final int control;
    private final MountedTable mounted;
    private final DiskRuns runs;
    private final LinearTable table;
    private final LinearDevice device;
    private final DmPartitions partitions;
    private List<DmTarget> mountedTargets;

    /** Held while the disk is read or taken away, as long as that takes; never by {@link #fail}, nor by a look at tables. */
    private final Object looking = new Object();

    /** Whoever uses {@link #control}, any number of them, and, to close it, the one who has removed all. */
    private final ReadWriteLock using = new ReentrantReadWriteLock();

    private volatile boolean removed;

    private DmDevice(
            int control,
            MountedTable mounted,
            List<DmTarget> mountedTargets,
            DiskRuns runs,
            LinearTable table,
            DmPartitions partitions) {
        this.control = control;
        this.mounted = mounted;
        this.mountedTargets = mountedTargets;
        this.runs = runs;
        this.table = table;
        this.partitions = partitions;
        this.device = partitions.disk();
    }

    /**
     * Makes a block device of an image. Its partitions are there when this returns.
     *
     * @param mountedFd of the device under the image's file system, O_DIRECT, open for reading
     * @param major of that device, and so on
     * @param inode of the image
     * @param runs where the disk lies on that device
     * @param blockBytes that device's logical block; what is no whole block at the end of the disk is cut off
     * @param names of the disk, which are this device's from now on
     * @param beforeItServes hears of the device before anybody can write to it
     * @param removal takes away what can't be used
     * @throws IOException it can't be; nothing is left, and the message says why
     */
    public static DmDevice attach(
            int mountedFd,
            int major,
            int minor,
            long inode,
            DiskRuns runs,
            int blockBytes,
            boolean readOnly,
            String unit,
            DeviceNames names,
            BeforeItServes beforeItServes,
            Removal removal)
            throws IOException {
        KernelModule.load("dm_mod");
        int control = DmRequest.openControl();
        if (control == -Errno.ENOENT || control == -Errno.ENODEV) {
            throw new IOException("the kernel has no device mapper (modprobe dm_mod)");
        }
        if (control < 0) {
            throw new IOException("no permission for /dev/mapper/control: " + Errno.message(-control));
        }
        DmDevice device;
        try {
            MountedTable mounted = new MountedTable(control, major, minor);
            List<DmTarget> targets = mounted.read();
            int blockSectors = blockBytes / DiskRuns.SECTOR_BYTES;
            LinearTable table = LinearTable.translate(runs, runs.sectors() / blockSectors * blockSectors, targets);
            if (table.count() == 0) {
                throw new IOException("it is smaller than a block of its device");
            }
            String image = major + ":" + minor + ":" + Long.toUnsignedString(inode);
            LinearDevice.Told told = made -> beforeItServes.hear(made.node(), made.failCommand(table.sectors()));
            DmPartitions disk = make(control, unit, image, table, blockBytes, readOnly, names, told, removal);
            device = new DmDevice(control, mounted, targets, runs, table, disk);
        } catch (IOException | RuntimeException | Error e) {
            FileCalls.close(control);
            throw e;
        }
        try {
            device.verify(mountedFd, blockBytes);
            names.use(BlockNode.disk(device.device.name()));
            return device;
        } catch (IOException | RuntimeException | Error e) {
            removal.certain(device, e);
            throw e;
        }
    }

    /** Its UUID says whose it is, and names the image as its ownership record does, so that recovery finds it. */
    private static DmPartitions make(
            int control,
            String unit,
            String image,
            LinearTable table,
            int blockBytes,
            boolean readOnly,
            DeviceNames names,
            LinearDevice.Told told,
            Removal removal)
            throws IOException {
        for (int attempt = 0; true; attempt++) {
            // The unit alone is not enough: each state folder has units of its own.
            String unique = String.format("%08x", ThreadLocalRandom.current().nextInt());
            String uuid = "VND-" + unit + "-" + image + "-" + unique;
            try {
                return new DmPartitions(
                        control, unit + "-" + unique, uuid, table, blockBytes, readOnly, names, told, removal);
            } catch (SysException e) {
                if (e.errno() != Errno.EBUSY || attempt == NAME_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private void verify(int mountedFd, int blockBytes) throws IOException {
        DiskComparison.compare(runs, table.sectors(), mountedFd, node(), blockBytes);
        if (!unchanged()) {
            throw new IOException("the table of the dm device under its file system is being changed");
        }
        partitions.look();
    }

    @Override
    public String export() {
        return "dm";
    }

    @Override
    public String node() {
        return device.node();
    }

    /**
     * Whether the disk still lies where this device leads, as far as the tables of the device mapper say; to be asked now
     * and then. If not, {@link #fail} it.
     *
     * @throws IOException that can't be told
     */
    public boolean unchanged() throws IOException {
        using.readLock().lock();
        try {
            return removed || leadsWhereItDid();
        } finally {
            using.readLock().unlock();
        }
    }

    private boolean leadsWhereItDid() throws IOException {
        synchronized (mounted) {
            List<DmTarget> now = mounted.read();
            if (now.equals(mountedTargets)) {
                return true;
            }
            LinearTable translated;
            try {
                translated = LinearTable.translate(runs, table.sectors(), now);
            } catch (IOException inTheWay) {
                return false;
            }
            mountedTargets = now;
            return translated.leadsWhere(table);
        }
    }

    @Override
    public Optional<String> look() {
        try {
            return unchanged()
                    ? Optional.empty()
                    : Optional.of(
                            "the table of the dm device under its file system has changed, as by pvmove or lvconvert");
        } catch (IOException e) {
            return Optional.of("whether its blocks have moved can't be told: " + e.getMessage());
        }
    }

    @Override
    public boolean servedByKernel() {
        return true;
    }

    /**
     * From now on every request is answered with EIO, as nobody knows whose the blocks are. It has to be removed still. Nobody
     * who reads the disk meanwhile is waited for: it may be he who waits for this.
     */
    @Override
    public void fail() throws IOException {
        using.readLock().lock();
        try {
            if (!removed) {
                device.fail(table.sectors());
            }
        } finally {
            using.readLock().unlock();
        }
    }

    @Override
    public List<String> failCommand() {
        return device.failCommand(table.sectors());
    }

    @Override
    public void lookForPartitions() throws IOException {
        synchronized (looking) {
            if (!removed) {
                partitions.look();
            }
        }
    }

    @Override
    public void remove() throws IOException {
        synchronized (looking) {
            if (!removed) {
                takeAway();
            }
        }
    }

    private void takeAway() throws IOException {
        for (int attempt = 0; !removeUnused(); attempt++) {
            if (attempt == BUSY_ATTEMPTS) {
                String users = DeviceUsers.describe(device.name());
                partitions.look();
                throw new DeviceBusyException(users);
            }
            LockSupport.parkNanos(BUSY_PAUSE_NANOS);
        }
        removed = true;
        partitions.close();
        // A number that is closed may be another file's at once.
        using.writeLock().lock();
        try {
            FileCalls.close(control);
        } finally {
            using.writeLock().unlock();
        }
    }

    /** Looks first, so that a disk in use keeps its partitions. */
    private boolean removeUnused() throws IOException {
        // Each partition has the disk open once.
        if (partitions.inUse() || device.users() > partitions.count()) {
            return false;
        }
        return partitions.remove() && device.remove();
    }
}
