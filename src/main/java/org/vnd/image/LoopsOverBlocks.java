package org.vnd.image;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.FiemapReader;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.LoopInfo;

/**
 * Loop devices on the device under a file system, where a file's blocks are: they write to them without its knowing. That one
 * can't be looked at is never taken for an answer.
 */
final class LoopsOverBlocks {
    private static final Path DISKS = Path.of("/sys/block");
    private static final DeviceNumber NONE = new DeviceNumber(0, 0);

    /** One that is in use, and where it lies in what is below it; of size 0 if it goes on to the end of that. */
    private record Loop(String name, long offsetBytes, long sizeBytes) {
        boolean beginsIn(long physicalBytes, long lengthBytes) {
            return offsetBytes >= physicalBytes && offsetBytes - physicalBytes < lengthBytes;
        }
    }

    private LoopsOverBlocks() {}

    /**
     * The first that begins in a block of the open file {@code fd}, such as {@code /dev/loop3}, with what it is on in parentheses
     * if that may be another file system's copy; empty if there is none.
     *
     * @throws IOException that can't be told
     */
    static String find(int fd, String path) throws IOException {
        List<Loop> loops = inUse();
        if (loops.isEmpty()) {
            return "";
        }
        List<Loop> inside = new ArrayList<>();
        try (FiemapReader reader = new FiemapReader()) {
            // Whatever its extents have become since they were written behind its file system.
            reader.read(fd, path, extent -> {
                for (Loop loop : loops) {
                    if (loop.beginsIn(extent.physicalBytes(), extent.lengthBytes())) {
                        inside.add(loop);
                    }
                }
            });
        }
        return firstOn(FileFacts.read(fd, path), inside);
    }

    /**
     * The same for the file with this map.
     *
     * @throws IOException that can't be told of one that may begin there
     */
    static String find(FileFacts facts, ExtentMap map) throws IOException {
        return firstOn(facts, inside(map));
    }

    /**
     * The one that is just these bytes of {@code device} itself, whatever copies of it there are; empty if there is none.
     *
     * @throws IOException that can't be told of one that has this offset and size
     */
    static String findOn(DeviceNumber device, long offsetBytes, long sizeBytes) throws IOException {
        for (Loop loop : inUse()) {
            // Others, which can't be looked at perhaps, don't matter.
            boolean maybe = loop.offsetBytes == offsetBytes && loop.sizeBytes == sizeBytes;
            if (maybe && deviceOf(loop).equals(device)) {
                return "/dev/" + loop.name;
            }
        }
        return "";
    }

    private static List<Loop> inside(ExtentMap map) throws IOException {
        List<Loop> inside = new ArrayList<>();
        for (Loop loop : inUse()) {
            for (int index = 0; index < map.count(); index++) {
                long lengthBytes = map.endBytes(index) - map.startBytes(index);
                if (!map.hole(index) && loop.beginsIn(map.physicalBytes(index), lengthBytes)) {
                    inside.add(loop);
                }
            }
        }
        return inside;
    }

    private static List<Loop> inUse() throws IOException {
        List<Loop> loops = new ArrayList<>();
        try (DirectoryStream<Path> disks = Files.newDirectoryStream(DISKS)) {
            for (Path disk : disks) {
                String name = disk.getFileName().toString();
                String offset = name.startsWith("loop") ? SmallFile.readIfThere(disk.resolve("loop/offset")) : "";
                String size = offset.isEmpty() ? "" : SmallFile.readIfThere(disk.resolve("loop/sizelimit"));
                if (!size.isEmpty()) {
                    loops.add(new Loop(name, Long.parseLong(offset), Long.parseLong(size)));
                }
            }
        } catch (DirectoryIteratorException e) {
            throw new IOException(DISKS + ": " + e.getMessage(), e);
        }
        return loops;
    }

    private static String firstOn(FileFacts facts, List<Loop> inside) throws IOException {
        DeviceNumber below = new DeviceNumber(facts.deviceMajor(), facts.deviceMinor());
        for (Loop loop : inside) {
            DeviceNumber its = deviceOf(loop);
            // The file system may have been mounted from another device since.
            if (its.equals(below) || (its.major() != 0 && Superblock.mayBeSame(its, below))) {
                return "/dev/" + loop.name + (its.equals(below) ? "" : perhapsOfACopy(its));
            }
        }
        return "";
    }

    /** As after a copy of the blocks, or a snapshot: nothing but the UUID tells whether two devices have the same file system. */
    private static String perhapsOfACopy(DeviceNumber its) {
        String name = HostDevice.nameOf(its.major(), its.minor());
        return name == null
                ? ""
                : " (on /dev/" + name
                        + ", whose file system may be this one, by its UUID, or because that can't be read: unmount a copy"
                        + " and give it another, with e2fsck -f and tune2fs -U random, or with xfs_admin -U generate)";
    }

    /**
     * What it is on, of number 0 if it is on none or not there any more. By its number: the path that /sys has of what is below
     * may lead elsewhere here than where it was set up.
     */
    private static DeviceNumber deviceOf(Loop loop) throws IOException {
        String text = SmallFile.readIfThere(DISKS.resolve(loop.name).resolve("dev"));
        if (text.isEmpty()) {
            // It has ended meanwhile.
            return NONE;
        }
        DeviceNumber number = DeviceNumber.parse(text);
        ByteBuffer info = Libc.struct(LoopInfo.SIZE_BYTES);
        int result;
        try (HostDevice device = HostDevice.open(number.major(), number.minor())) {
            result = FileCalls.ioctl(device.fd(), LoopInfo.LOOP_GET_STATUS64, Libc.address(info));
            Reference.reachabilityFence(info);
        } catch (NotPhysicalException e) {
            if (SmallFile.readIfThere(DISKS.resolve(loop.name).resolve("loop/offset"))
                    .isEmpty()) {
                return NONE;
            }
            throw new IOException(
                    "/dev/" + loop.name + " begins in a block of it, and can't be asked what it is on ("
                            + e.getMessage() + "): do this where /dev has it",
                    e);
        }
        if (result == -Errno.ENXIO) {
            return NONE;
        }
        Libc.check(result, "look at", "/dev/" + loop.name);
        boolean isAnother = info.getLong(LoopInfo.OFFSET_OFFSET) != loop.offsetBytes;
        return isAnother ? NONE : DeviceNumber.unpack(info.getLong(LoopInfo.RDEVICE_OFFSET));
    }
}
