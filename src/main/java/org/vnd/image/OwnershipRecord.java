package org.vnd.image;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;
import org.vnd.proc.SmallFile;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FileFlags;

/**
 * Who has locked an image, kept in an extended attribute of the image itself, so that it is there after a crash of
 * anything: written before the image is changed in any way, removed after everything is back. Text, so that getfattr(1)
 * shows it: {@code 1 boot=… unit=vnd0 pid=812 start=39271 file=8:1:13 flags=80000}.
 *
 * @param bootId of the kernel that ran, /proc/sys/kernel/random/boot_id
 * @param unit name of the disk
 * @param pid of the daemon
 * @param startTicks when that process began, field 22 of proc_pid_stat(5): a process id alone comes again
 * @param file which one it was written for, {@link FileFacts#identity}: attributes are copied along with a file
 * @param flagsBefore of the file, {@link org.vnd.sys.abi.FileFlags}
 */
record OwnershipRecord(String bootId, String unit, long pid, long startTicks, String file, int flagsBefore) {
    /** Only root can read or write attributes of this class, xattr(7). */
    static final String ATTRIBUTE = "trusted.vnd";

    private static final String VERSION = "1";
    private static final int SIZE_LIMIT_BYTES = 1024;
    /** Its owner can't be told, so that is up to the user. */
    private static final String RIDDANCE =
            "; if no disk has the file, chattr -i and setfattr -x " + ATTRIBUTE + " on it unlock it";

    /**
     * Gives the file the flags back that forbid changes, as they were. Append-only too, which somebody may have set since:
     * the record couldn't be removed under it.
     */
    void putFlagsBack(int fd, String path) throws SysException {
        int forbidding = FileFlags.FS_IMMUTABLE_FL | FileFlags.FS_APPEND_FL;
        int others = FileFacts.readFlags(fd) & ~forbidding;
        FileFacts.writeFlags(fd, others | (flagsBefore & forbidding), path);
    }

    /** The record of this process for {@code file} as the disk {@code unit}. */
    static OwnershipRecord ofThisProcess(String unit, String file, int flagsBefore) {
        long pid = ProcessHandle.current().pid();
        return new OwnershipRecord(currentBootId(), unit, pid, startTicks(pid), file, flagsBefore);
    }

    private static String currentBootId() {
        String id = SmallFile.read("/proc/sys/kernel/random/boot_id");
        return id == null ? "unknown" : id.trim();
    }

    /**
     * Field 22 of /proc/PID/stat, proc_pid_stat(5), or -1 if there is no such process. One that has ended stays there as a
     * zombie until its parent asks, which for a killed disk is whatever runs as process 1, and in a container needn't ask.
     */
    private static long startTicks(long pid) {
        String text = SmallFile.read("/proc/" + pid + "/stat");
        if (text == null) {
            return -1;
        }
        // The second field is a name in parentheses that may contain anything; the third follows its end.
        StringTokenizer fields = new StringTokenizer(text.substring(text.lastIndexOf(')') + 1), " ");
        if (fields.nextToken().equals("Z")) {
            return -1;
        }
        for (int field = 4; field < 22; field++) {
            fields.nextToken();
        }
        return Long.parseLong(fields.nextToken());
    }

    /**
     * Whether it was written for {@code thisFile}, where it was found, and the process that wrote it runs. A file system has
     * other devices by and by: only where it is another for certain, it is another file.
     */
    boolean ownerRuns(String thisFile) {
        return !isOfAnother(thisFile)
                && writerRuns()
                && (isWhereItWas(thisFile) || Superblock.mayBeSame(device(file), device(thisFile)));
    }

    /** Whether the device of {@code thisFile}, where it was found, is the one on which it was written. */
    boolean isWhereItWas(String thisFile) {
        return file.equals(thisFile);
    }

    private static DeviceNumber device(String identity) {
        return DeviceNumber.parse(identity.substring(0, identity.lastIndexOf(':')));
    }

    /** Whether the process that wrote it runs, for whatever file. */
    boolean writerRuns() {
        return bootId.equals(currentBootId()) && startTicks(pid) == startTicks;
    }

    /**
     * Whether it came along when the file was copied (cp -a), and so says nothing of {@code thisFile}, where it was found: it was
     * written for another inode. That of another device with the same number may be this file, which has its device by another
     * number since.
     */
    boolean isOfAnother(String thisFile) {
        return !inode(file).equals(inode(thisFile));
    }

    private static String inode(String identity) {
        return identity.substring(identity.lastIndexOf(':') + 1);
    }

    /** For people. */
    String owner() {
        return unit + " (pid " + pid + ")";
    }

    /** The record of the open file {@code fd}, or null if it has none, or none that we may see. */
    static @Nullable OwnershipRecord read(int fd, String path) throws ImageException {
        ByteBuffer value = Libc.struct(SIZE_LIMIT_BYTES);
        return parse(FileCalls.fgetxattr(fd, ATTRIBUTE, value), value, path);
    }

    /** The same without opening the file. */
    static @Nullable OwnershipRecord read(BackingFile file) throws ImageException {
        ByteBuffer value = Libc.struct(SIZE_LIMIT_BYTES);
        return parse(FileCalls.getxattr(file.pinnedPath(), ATTRIBUTE, value), value, file.path());
    }

    private static @Nullable OwnershipRecord parse(long result, ByteBuffer value, String path) throws ImageException {
        if (result < 0) {
            if (result == -Errno.ENODATA || result == -Errno.EOPNOTSUPP || result == -Errno.EPERM) {
                return null;
            }
            // A file system that fails may hold a good record: only one that is too long can't be ours.
            throw new ImageException(
                    path,
                    "its attribute " + ATTRIBUTE + " can't be read: " + message(result)
                            + (result == -Errno.ERANGE ? RIDDANCE : ""));
        }
        byte[] bytes = new byte[(int) result];
        value.get(0, bytes);
        OwnershipRecord record = parse(new String(bytes, StandardCharsets.UTF_8));
        if (record == null) {
            throw new ImageException(
                    path,
                    "its attribute " + ATTRIBUTE + " is none that this vnd wrote: see it with getfattr -n " + ATTRIBUTE
                            + RIDDANCE);
        }
        return record;
    }

    /** What {@link #toString} wrote, or null for anything else. */
    static @Nullable OwnershipRecord parse(String text) {
        StringTokenizer words = new StringTokenizer(text, " ");
        if (words.countTokens() != 7 || !words.nextToken().equals(VERSION)) {
            return null;
        }
        String bootId = value(words.nextToken(), "boot=");
        String unit = value(words.nextToken(), "unit=");
        String pid = value(words.nextToken(), "pid=");
        String start = value(words.nextToken(), "start=");
        String file = value(words.nextToken(), "file=");
        String flags = value(words.nextToken(), "flags=");
        if (bootId == null || unit == null || pid == null || start == null || file == null || flags == null) {
            return null;
        }
        if (file.indexOf(':') < 0) {
            return null;
        }
        try {
            device(file);
            return new OwnershipRecord(
                    bootId,
                    unit,
                    Long.parseLong(pid),
                    Long.parseLong(start),
                    file,
                    Integer.parseUnsignedInt(flags, 16));
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static @Nullable String value(String word, String name) {
        return word.startsWith(name) && word.length() > name.length() ? word.substring(name.length()) : null;
    }

    void write(int fd, String path) throws SysException {
        byte[] value = toString().getBytes(StandardCharsets.UTF_8);
        Libc.check(FileCalls.fsetxattr(fd, ATTRIBUTE, value), "write attribute " + ATTRIBUTE + " of", path);
    }

    static void remove(int fd, String path) throws SysException {
        int result = FileCalls.fremovexattr(fd, ATTRIBUTE);
        if (result != -Errno.ENODATA) {
            Libc.check(result, "remove attribute " + ATTRIBUTE + " of", path);
        }
    }

    private static String message(long result) {
        return Errno.message((int) -result);
    }

    @Override
    public String toString() {
        return VERSION + " boot=" + bootId + " unit=" + unit + " pid=" + pid + " start=" + startTicks + " file=" + file
                + " flags=" + Integer.toHexString(flagsBefore);
    }
}
