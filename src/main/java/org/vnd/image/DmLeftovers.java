package org.vnd.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.DmRequest;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.DmIoctl;
import org.vnd.sys.abi.DmNameList;

/**
 * Devices of the device mapper that a killed daemon left behind: those with the UUID that a disk's device has,
 * {@code VND-vnd0-254:0:13-…}, whose third part is the image's identity, and its partitions, with {@code part1-} before
 * that. They are found by the device mapper's own list: one without a table is nowhere else.
 */
final class DmLeftovers {
    /** There is an entry when there is a device mapper; to open its node would load it. */
    private static final Path DRIVERS = Path.of("/sys/class/misc");

    private static final Path DISKS = Path.of("/sys/block");

    private static final int FIRST_BYTES = 64 * 1024;

    /** Some 50,000 devices. */
    private static final int LIMIT_BYTES = 4 << 20;

    private record Device(String uuid, String node) {}

    private DmLeftovers() {}

    /**
     * Removes what is left of an image, whose owner is gone for certain: it is claimed by the caller.
     *
     * @param identity of the image as its ownership record has it, {@link OwnershipRecord#file}
     * @return a device that somebody uses, such as {@code /dev/dm-3}, or empty: then all are gone
     * @throws IOException that can't be told
     */
    static String remove(String identity) throws IOException {
        if (!isDriverThere(DRIVERS)) {
            return "";
        }
        int control = DmRequest.openControl();
        if (control < 0) {
            // As where /dev lacks its node: it can be seen, and not removed.
            return find(DISKS, identity);
        }
        try {
            for (Device device : find(control, identity)) {
                int result = new DmRequest().uuid(device.uuid).send(control, DmIoctl.DM_DEV_REMOVE);
                if (result == -Errno.EBUSY) {
                    return device.node;
                }
                if (result != -Errno.ENXIO) {
                    Libc.check(result, "remove", device.node);
                }
            }
            return "";
        } finally {
            FileCalls.close(control);
        }
    }

    static boolean isDriverThere(Path drivers) throws IOException {
        if (Files.notExists(drivers)) {
            throw new IOException(drivers + " isn't there, so that nothing is known of dm devices: mount /sys");
        }
        return !Files.notExists(drivers.resolve("device-mapper"));
    }

    /** A device of this image by what /sys shows; one without a table, which nobody can use, isn't there. */
    static String find(Path disks, String identity) throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(disks)) {
            for (Path folder : folders) {
                String name = folder.getFileName().toString();
                if (name.startsWith("dm-") && isOf(SmallFile.readIfThere(folder.resolve("dm/uuid")), identity)) {
                    return "/dev/" + name;
                }
            }
            return "";
        } catch (DirectoryIteratorException e) {
            throw new IOException(disks + ": " + e.getMessage(), e);
        }
    }

    /** Partitions first, which have their disk open. */
    private static List<Device> find(int control, String identity) throws SysException {
        List<Device> devices = new ArrayList<>();
        ByteBuffer names = list(control);
        int at = 0;
        int step;
        do {
            // Of no device nothing is filled, or a first one with the number 0.
            if (at > names.capacity() - DmNameList.NAME_OFFSET || names.getLong(at + DmNameList.DEV_OFFSET) == 0) {
                break;
            }
            DeviceNumber number = DeviceNumber.unpack(names.getLong(at + DmNameList.DEV_OFFSET));
            DmRequest status = new DmRequest().device(number);
            if (status.send(control, DmIoctl.DM_DEV_STATUS) == 0 && isOf(status.uuid(), identity)) {
                devices.add(new Device(status.uuid(), "/dev/dm-" + number.minor()));
            }
            step = names.getInt(at + DmNameList.NEXT_OFFSET);
            at += step;
        } while (step > 0);
        devices.sort(Comparator.comparing(device -> device.uuid.startsWith("VND-")));
        return devices;
    }

    /** Whether a device with this UUID is the disk of an image, or a partition of it. */
    static boolean isOf(String uuid, String identity) {
        return uuid.matches("(part[0-9]+-)?VND-[^-]+-" + Pattern.quote(identity) + "-[0-9a-f]+");
    }

    private static ByteBuffer list(int control) throws SysException {
        for (int sizeBytes = FIRST_BYTES; true; sizeBytes *= 4) {
            DmRequest list = new DmRequest(Libc.struct(sizeBytes));
            Libc.check(list.send(control, DmIoctl.DM_LIST_DEVICES), "list", "dm devices");
            if (!list.has(DmIoctl.DM_BUFFER_FULL_FLAG)) {
                return list.data();
            }
            if (sizeBytes >= LIMIT_BYTES) {
                throw new SysException("list", "dm devices", Errno.EOVERFLOW);
            }
        }
    }
}
