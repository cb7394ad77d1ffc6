package org.vnd.image;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.extent.ExtentMap;
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
                ExtentMap map = PhysicalMap.read(fd, path, facts, device, 1);
                DirectoryStream<Path> disks = Files.newDirectoryStream(Path.of("/sys/block"), "loop*")) {
            for (Path disk : disks) {
                String node = "/dev/" + disk.getFileName();
                if (Files.exists(disk.resolve("loop")) && beginsIn(node, facts, map)) {
                    return node;
                }
            }
            return "";
        } catch (NotPhysicalException e) {
            // Nobody had its blocks.
            return "";
        }
    }

    private static boolean beginsIn(String node, FileFacts facts, ExtentMap map) {
        int loop = FileCalls.open(node, FileCalls.O_RDONLY);
        if (loop < 0) {
            return false;
        }
        ByteBuffer info = Libc.struct(LoopInfo.SIZE_BYTES);
        int result = FileCalls.ioctl(loop, LoopInfo.LOOP_GET_STATUS64, Libc.address(info));
        Reference.reachabilityFence(info);
        FileCalls.close(loop);
        long number = info.getLong(LoopInfo.RDEVICE_OFFSET);
        long major = number >>> 8 & 0xFFF;
        long minor = (number & 0xFF) | (number >>> 12 & ~0xFFL);
        if (result < 0 || major != facts.deviceMajor() || minor != facts.deviceMinor()) {
            return false;
        }
        long offset = info.getLong(LoopInfo.OFFSET_OFFSET);
        for (int index = 0; index < map.count(); index++) {
            long behind = offset - map.physicalBytes(index);
            if (!map.hole(index) && behind >= 0 && behind < map.endBytes(index) - map.startBytes(index)) {
                return true;
            }
        }
        return false;
    }
}
