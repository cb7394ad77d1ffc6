package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.List;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.FileHandle;
import org.vnd.sys.abi.FileSystemUuid;
import org.vnd.sys.abi.Statfs;

/**
 * What tells a file from every other, on whatever path and mount it is met: its handle, name_to_handle_at(2), and its file
 * system's UUID. Both as text, empty where the kernel has none.
 */
final class FileIdentity {
    private static final char[] DIGITS = "0123456789abcdef".toCharArray();

    private FileIdentity() {}

    /** The handle of {@code fd}, which may be O_PATH: {@code 1:0c000000d0726024}, its type and its bytes. */
    static String handle(int fd) {
        ByteBuffer handle = Libc.struct(FileHandle.HANDLE_OFFSET + FileHandle.HANDLE_LIMIT_BYTES)
                .putInt(FileHandle.BYTES_OFFSET, FileHandle.HANDLE_LIMIT_BYTES);
        int result = FileCalls.handle(fd, Libc.address(handle));
        Reference.reachabilityFence(handle);
        if (result < 0) {
            return "";
        }
        return handle.getInt(FileHandle.TYPE_OFFSET) + ":"
                + hexadecimal(handle, FileHandle.HANDLE_OFFSET, handle.getInt(FileHandle.BYTES_OFFSET));
    }

    /**
     * Opens what {@link #handle} has said, O_PATH, on the file system of the folder {@code mountFd}. Or a negated errno:
     * ESTALE: there is no such file any more; EPERM without CAP_DAC_READ_SEARCH.
     */
    static int open(int mountFd, String handle) {
        int colon = handle.indexOf(':');
        int bytes = (handle.length() - colon - 1) / 2;
        ByteBuffer struct = Libc.struct(FileHandle.HANDLE_OFFSET + FileHandle.HANDLE_LIMIT_BYTES)
                .putInt(FileHandle.BYTES_OFFSET, bytes)
                .putInt(FileHandle.TYPE_OFFSET, Integer.parseInt(handle.substring(0, colon)));
        for (int i = 0; i < bytes; i++) {
            int at = colon + 1 + 2 * i;
            struct.put(FileHandle.HANDLE_OFFSET + i, (byte) Integer.parseInt(handle.substring(at, at + 2), 16));
        }
        int fd = FileCalls.openByHandle(mountFd, Libc.address(struct), FileCalls.O_PATH);
        Reference.reachabilityFence(struct);
        return fd;
    }

    /** Whether {@code handle} can be given to {@link #open}: it may come from a record that somebody has spoiled. */
    static boolean isHandle(String handle) {
        int colon = handle.indexOf(':');
        int digits = handle.length() - colon - 1;
        if (colon < 1 || colon > 9 || digits < 2 || digits % 2 != 0 || digits > 2 * FileHandle.HANDLE_LIMIT_BYTES) {
            return false;
        }
        for (int i = 0; i < handle.length(); i++) {
            if (i != colon && Character.digit(handle.charAt(i), i < colon ? 10 : 16) < 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * The file system of the folder {@code fd}: its UUID, which stays when it is mounted from another device, or before
     * Linux 6.9 what statfs(2) has, which for XFS is the device's number.
     */
    static String fileSystem(int fd) {
        ByteBuffer uuid = Libc.struct(FileSystemUuid.SIZE_BYTES);
        int result = FileCalls.ioctl(fd, FileSystemUuid.FS_IOC_GETFSUUID, Libc.address(uuid));
        Reference.reachabilityFence(uuid);
        if (result == 0) {
            String text = hexadecimal(uuid, FileSystemUuid.UUID_OFFSET, uuid.get(FileSystemUuid.LENGTH_OFFSET));
            // Some makers of images leave it out.
            return text.matches("0*") ? "" : "uuid:" + text;
        }
        ByteBuffer status = Libc.struct(Statfs.SIZE_BYTES);
        result = FileCalls.fstatfs(fd, Libc.address(status));
        Reference.reachabilityFence(status);
        return result < 0 ? "" : "fsid:" + hexadecimal(status, Statfs.F_FSID_OFFSET, Long.BYTES);
    }

    /** Whether {@link #fileSystem} tells it from every other that may be on its device: of a type as mountinfo has it. */
    static boolean isCertain(String fileSystem, String type) {
        // XFS has the device's number there.
        return fileSystem.startsWith("uuid:") || (fileSystem.startsWith("fsid:") && type.startsWith("ext"));
    }

    /** What {@link #fileSystem} says of one with this UUID; the second where the kernel doesn't tell, for ext4. */
    static List<String> ofUuid(byte[] uuid) {
        byte[] folded = new byte[Long.BYTES];
        for (int i = 0; i < folded.length; i++) {
            folded[i] = (byte) (uuid[i] ^ uuid[i + Long.BYTES]);
        }
        return List.of(
                "uuid:" + hexadecimal(ByteBuffer.wrap(uuid), 0, uuid.length),
                "fsid:" + hexadecimal(ByteBuffer.wrap(folded), 0, folded.length));
    }

    private static String hexadecimal(ByteBuffer from, int offset, int count) {
        StringBuilder text = new StringBuilder(2 * count);
        for (int i = offset; i < offset + count; i++) {
            text.append(DIGITS[from.get(i) >> 4 & 15]).append(DIGITS[from.get(i) & 15]);
        }
        return text.toString();
    }
}
