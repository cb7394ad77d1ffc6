package org.vnd.image;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.extent.ExtentMap;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.LoopInfo;

/** Loop devices on the device under a file system, where a file's blocks are: they write to them without its knowing. */
final class LoopsOverBlocks {
    private LoopsOverBlocks() {}

    /** The first that begins in a block of the open file {@code fd}, such as {@code /dev/loop3}; empty if there is none. */
    static String find(int fd, String path) throws IOException {
        FileFacts facts = FileFacts.read(fd, path);
        try (HostDevice device = HostDevice.open(facts.deviceMajor(), facts.deviceMinor());
                ExtentMap map = PhysicalMap.read(fd, path, facts, device, 1)) {
            return find(facts, map);
        } catch (NotPhysicalException e) {
            // Nobody had its blocks.
            return "";
        }
    }

    /**
     * The same for the file with this map.
     *
     * @throws IOException that can't be told of one that may begin there
     */
    static String find(FileFacts facts, ExtentMap map) throws IOException {
        try (DirectoryStream<Path> disks = Files.newDirectoryStream(Path.of("/sys/block"), "loop*")) {
            for (Path disk : disks) {
                // Most are told apart by that, and needn't be opened.
                String offset = SmallFile.read(disk.resolve("loop/offset").toString());
                if (offset != null && isIn(map, Long.parseLong(offset.trim())) && isOn(facts, map, disk)) {
                    return "/dev/" + disk.getFileName();
                }
            }
            return "";
        }
    }

    private static boolean isIn(ExtentMap map, long offset) {
        for (int index = 0; index < map.count(); index++) {
            long behind = offset - map.physicalBytes(index);
            if (!map.hole(index) && behind >= 0 && behind < map.endBytes(index) - map.startBytes(index)) {
                return true;
            }
        }
        return false;
    }

    /** By its number: a container's /dev needn't have its node. */
    private static boolean isOn(FileFacts facts, ExtentMap map, Path disk) throws IOException {
        String device = SmallFile.read(disk.resolve("dev").toString());
        if (device == null) {
            // It has ended meanwhile.
            return false;
        }
        String[] numbers = device.trim().split(":");
        ByteBuffer info = Libc.struct(LoopInfo.SIZE_BYTES);
        int result;
        try (HostDevice loop = HostDevice.open(Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]))) {
            result = FileCalls.ioctl(loop.fd(), LoopInfo.LOOP_GET_STATUS64, Libc.address(info));
            Reference.reachabilityFence(info);
        } catch (NotPhysicalException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (result == -Errno.ENXIO) {
            // The same.
            return false;
        }
        Libc.check(result, "look at", "/dev/" + disk.getFileName());
        long number = info.getLong(LoopInfo.RDEVICE_OFFSET);
        long major = number >>> 8 & 0xFFF;
        long minor = (number & 0xFF) | (number >>> 12 & ~0xFFL);
        return major == facts.deviceMajor()
                && minor == facts.deviceMinor()
                && isIn(map, info.getLong(LoopInfo.OFFSET_OFFSET));
    }
}
