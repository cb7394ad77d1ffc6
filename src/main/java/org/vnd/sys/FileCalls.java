package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** System calls on files and block devices. Each returns a value ≥ 0 or a negated errno; see {@link Libc}. */
public final class FileCalls {
    private static final boolean AARCH64 = System.getProperty("os.arch").equals("aarch64");

    // include/uapi/asm-generic/fcntl.h; O_DIRECT, O_DIRECTORY and O_NOFOLLOW differ between architectures.
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    /** The bits that say whether a file is opened for reading, writing or both. */
    public static final int O_ACCMODE = 3;

    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_DSYNC = 0x1000;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;
    /** A descriptor that names a file without opening it. */
    public static final int O_PATH = 0x200000;

    public static final int O_DIRECT = AARCH64 ? 0x10000 : 0x4000;
    public static final int O_DIRECTORY = AARCH64 ? 0x4000 : 0x10000;
    public static final int O_NOFOLLOW = AARCH64 ? 0x8000 : 0x20000;
    /** A new file without a name, in the folder that is opened. */
    public static final int O_TMPFILE = 0x400000 | O_DIRECTORY;

    // include/uapi/asm-generic/fcntl.h and include/uapi/linux/fcntl.h
    public static final int F_GETFL = 3;
    public static final int F_SETFL = 4;
    /** Which signal says that a lease is being broken. */
    public static final int F_SETSIG = 10;

    public static final int F_SETLEASE = 1024;
    public static final int F_GETLEASE = 1025;
    public static final int F_RDLCK = 0;
    public static final int F_WRLCK = 1;
    public static final int F_UNLCK = 2;

    // include/uapi/linux/falloc.h
    public static final int FALLOC_FL_KEEP_SIZE = 0x01;
    public static final int FALLOC_FL_PUNCH_HOLE = 0x02;
    public static final int FALLOC_FL_COLLAPSE_RANGE = 0x08;
    public static final int FALLOC_FL_ZERO_RANGE = 0x10;

    // include/uapi/linux/fs.h: lseek(2)'s whence.
    public static final int SEEK_END = 2;
    public static final int SEEK_DATA = 3;
    public static final int SEEK_HOLE = 4;

    /** include/uapi/linux/fadvise.h */
    public static final int POSIX_FADV_DONTNEED = 4;

    // sys/file.h
    public static final int LOCK_SHARED = 1;
    public static final int LOCK_EXCLUSIVE = 2;
    public static final int LOCK_NONBLOCK = 4;
    public static final int LOCK_UNLOCK = 8;

    // include/uapi/linux/stat.h
    private static final int S_IFCHR = 0x2000;
    private static final int S_IFBLK = 0x6000;

    // include/uapi/linux/fcntl.h: statx on the descriptor itself; what the kernel knows, without asking a server
    private static final int AT_EMPTY_PATH = 0x1000;

    private static final int AT_STATX_DONT_SYNC = 0x4000;
    private static final ByteBuffer EMPTY_PATH = Libc.cString("");
    private static final long EMPTY_PATH_ADDRESS = Libc.address(EMPTY_PATH);

    // include/uapi/linux/fcntl.h
    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_FOLLOW = 0x400;

    /** include/uapi/linux/fs.h */
    private static final int RENAME_NOREPLACE = 1;

    /** include/uapi/asm-generic/unistd.h: openat2(2), Linux 5.6. */
    private static final int SYS_OPENAT2 = 437;

    /** include/uapi/linux/openat2.h: only by what the kernel has in memory; Linux 5.12. */
    private static final long RESOLVE_CACHED = 0x20;

    /** include/uapi/asm-generic/unistd.h: cachestat(2), Linux 6.5. */
    private static final int SYS_CACHESTAT = 451;

    private static final long OPEN = Libc.symbol("open");
    private static final long CLOSE = Libc.symbol("close");
    private static final long LSEEK = Libc.symbol("lseek");
    private static final long PREAD = Libc.symbol("pread");
    private static final long PWRITE = Libc.symbol("pwrite");
    private static final long READ = Libc.symbol("read");
    private static final long WRITE = Libc.symbol("write");
    private static final long READV = Libc.symbol("readv");
    private static final long WRITEV = Libc.symbol("writev");
    private static final long IOCTL = Libc.symbol("ioctl");
    private static final long FCNTL = Libc.symbol("fcntl");
    private static final long FLOCK = Libc.symbol("flock");
    private static final long FSYNC = Libc.symbol("fsync");
    private static final long FDATASYNC = Libc.symbol("fdatasync");
    private static final long SYNCFS = Libc.symbol("syncfs");
    private static final long FTRUNCATE = Libc.symbol("ftruncate");
    private static final long FALLOCATE = Libc.symbol("fallocate");
    private static final long FADVISE = Libc.symbol("posix_fadvise");
    private static final long MKNOD = Libc.symbol("mknod");
    private static final long UNLINK = Libc.symbol("unlink");
    private static final long LINKAT = Libc.symbol("linkat");
    private static final long STATX = Libc.symbol("statx");
    private static final long FSTATFS = Libc.symbol("fstatfs");
    private static final long FSETXATTR = Libc.symbol("fsetxattr");
    private static final long GETXATTR = Libc.symbol("getxattr");
    private static final long FGETXATTR = Libc.symbol("fgetxattr");
    private static final long FREMOVEXATTR = Libc.symbol("fremovexattr");
    private static final long FUTIMENS = Libc.symbol("futimens");
    private static final long NAME_TO_HANDLE_AT = Libc.symbol("name_to_handle_at");
    private static final long OPEN_BY_HANDLE_AT = Libc.symbol("open_by_handle_at");

    private FileCalls() {}

    public static int open(String path, int flags) {
        return open(path, flags, 0);
    }

    /** open(2); {@code mode}, less the process's umask, is that of a file that is made. */
    public static int open(String path, int flags, int mode) {
        ByteBuffer name = Libc.cString(path);
        try {
            return Libc.callInt(OPEN, Libc.address(name), flags | O_CLOEXEC, mode);
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    /** openat2(2) if the kernel has every part of {@code path} in memory, and needn't ask a server for it; else EAGAIN. */
    public static int openCached(String path, int flags) {
        ByteBuffer name = Libc.cString(path);
        // struct open_how: flags, mode, resolve
        ByteBuffer how =
                Libc.struct(3 * Long.BYTES).putLong(0, flags | O_CLOEXEC).putLong(2 * Long.BYTES, RESOLVE_CACHED);
        try {
            return (int) Libc.syscall(SYS_OPENAT2, AT_FDCWD, Libc.address(name), Libc.address(how), how.capacity(), 0);
        } finally {
            Reference.reachabilityFence(name);
            Reference.reachabilityFence(how);
        }
    }

    /** mknod(2) of a block device node with mode 0600. */
    public static int makeBlockNode(String path, int major, int minor) {
        return makeNode(path, S_IFBLK | 0600, major, minor);
    }

    /** mknod(2) of a character device node with mode 0600. */
    public static int makeCharacterNode(String path, int major, int minor) {
        return makeNode(path, S_IFCHR | 0600, major, minor);
    }

    private static int makeNode(String path, int mode, int major, int minor) {
        ByteBuffer name = Libc.cString(path);
        try {
            return Libc.callInt(MKNOD, Libc.address(name), mode, new DeviceNumber(major, minor).packed());
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    public static int unlink(String path) {
        ByteBuffer name = Libc.cString(path);
        try {
            return Libc.callInt(UNLINK, Libc.address(name));
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    /** linkat(2): the file that {@code existing} leads to, through symbolic links, gets one more name in a folder. */
    public static int link(String existing, int folderFd, String name) {
        ByteBuffer from = Libc.cString(existing);
        ByteBuffer to = Libc.cString(name);
        try {
            return Libc.callInt(LINKAT, AT_FDCWD, Libc.address(from), folderFd, Libc.address(to), AT_SYMLINK_FOLLOW);
        } finally {
            Reference.reachabilityFence(from);
            Reference.reachabilityFence(to);
        }
    }

    /** renameat2(2) within a folder, to a name that nobody has. */
    public static int renameToNew(int folderFd, String oldName, String newName) {
        ByteBuffer from = Libc.cString(oldName);
        ByteBuffer to = Libc.cString(newName);
        // Looked up here: not every libc has it.
        long renameat2 = Libc.symbol("renameat2");
        try {
            return Libc.callInt(renameat2, folderFd, Libc.address(from), folderFd, Libc.address(to), RENAME_NOREPLACE);
        } finally {
            Reference.reachabilityFence(from);
            Reference.reachabilityFence(to);
        }
    }

    public static int close(int fd) {
        return Libc.callInt(CLOSE, fd);
    }

    /** lseek(2); {@code whence} is SEEK_DATA, SEEK_HOLE or SEEK_END. */
    public static long seek(int fd, long offset, int whence) {
        return Libc.callLong(LSEEK, fd, offset, whence);
    }

    public static long read(int fd, long address, long length) {
        return Libc.callLong(READ, fd, address, length);
    }

    public static long write(int fd, long address, long length) {
        return Libc.callLong(WRITE, fd, address, length);
    }

    public static long pread(int fd, long address, long length, long offset) {
        return Libc.callLong(PREAD, fd, address, length, offset);
    }

    public static long pwrite(int fd, long address, long length, long offset) {
        return Libc.callLong(PWRITE, fd, address, length, offset);
    }

    /** readv(2) into {@code count} pieces; see sys.abi.IoVector. */
    public static long readv(int fd, long vectorsAddress, int count) {
        return Libc.callLong(READV, fd, vectorsAddress, count);
    }

    /** writev(2) of {@code count} pieces; see sys.abi.IoVector. */
    public static long writev(int fd, long vectorsAddress, int count) {
        return Libc.callLong(WRITEV, fd, vectorsAddress, count);
    }

    public static int ioctl(int fd, long request, long argument) {
        return Libc.callInt(IOCTL, fd, request, argument);
    }

    public static int fcntl(int fd, int command, long argument) {
        return Libc.callInt(FCNTL, fd, command, argument);
    }

    public static int flock(int fd, int operation) {
        return Libc.callInt(FLOCK, fd, operation);
    }

    public static int fsync(int fd) {
        return Libc.callInt(FSYNC, fd);
    }

    public static int fdatasync(int fd) {
        return Libc.callInt(FDATASYNC, fd);
    }

    /** syncfs(2): all of the file system of {@code fd}, and what its device's cache holds. */
    public static int syncfs(int fd) {
        return Libc.callInt(SYNCFS, fd);
    }

    public static int ftruncate(int fd, long sizeBytes) {
        return Libc.callInt(FTRUNCATE, fd, sizeBytes);
    }

    public static int fallocate(int fd, int mode, long offset, long length) {
        return Libc.callInt(FALLOCATE, fd, mode, offset, length);
    }

    /** posix_fadvise(2), which returns its error rather than setting errno. */
    public static int fadvise(int fd, long offset, long length, int advice) {
        return -Libc.callInt(FADVISE, fd, offset, length, advice);
    }

    /** statx(2) of the descriptor itself into the struct at {@code address}; see sys.abi.Statx. */
    public static int statx(int fd, int mask, long address) {
        return Libc.callInt(STATX, fd, EMPTY_PATH_ADDRESS, AT_EMPTY_PATH, mask, address);
    }

    /** The same as this host knows it, without asking the server of a network file system. */
    public static int statxAsCached(int fd, int mask, long address) {
        return Libc.callInt(STATX, fd, EMPTY_PATH_ADDRESS, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, address);
    }

    /**
     * statx(2) of what {@code path} leads to, without asking the server that has it; the way there may ask others, unless it is
     * a link of /proc.
     */
    public static int statxKnown(String path, int mask, long address) {
        ByteBuffer name = Libc.cString(path);
        try {
            return Libc.callInt(STATX, AT_FDCWD, Libc.address(name), AT_STATX_DONT_SYNC, mask, address);
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    public static int fstatfs(int fd, long address) {
        return Libc.callInt(FSTATFS, fd, address);
    }

    /** cachestat(2): counts the cached pages of the range at {@code rangeAddress} into {@code resultAddress}. */
    public static int cachestat(int fd, long rangeAddress, long resultAddress) {
        return (int) Libc.syscall(SYS_CACHESTAT, fd, rangeAddress, resultAddress, 0, 0);
    }

    public static int fsetxattr(int fd, String name, byte[] value) {
        ByteBuffer key = Libc.cString(name);
        ByteBuffer data = Libc.struct(Math.max(1, value.length));
        data.put(0, value);
        try {
            return Libc.callInt(FSETXATTR, fd, Libc.address(key), Libc.address(data), value.length, 0);
        } finally {
            Reference.reachabilityFence(key);
            Reference.reachabilityFence(data);
        }
    }

    /** fgetxattr(2) into {@code value}, of which the returned number of bytes is filled. */
    public static long fgetxattr(int fd, String name, ByteBuffer value) {
        ByteBuffer key = Libc.cString(name);
        try {
            return Libc.callLong(FGETXATTR, fd, Libc.address(key), Libc.address(value), value.capacity());
        } finally {
            Reference.reachabilityFence(key);
            Reference.reachabilityFence(value);
        }
    }

    /** getxattr(2), which follows symbolic links, into {@code value}. */
    public static long getxattr(String path, String name, ByteBuffer value) {
        ByteBuffer file = Libc.cString(path);
        ByteBuffer key = Libc.cString(name);
        try {
            return Libc.callLong(
                    GETXATTR, Libc.address(file), Libc.address(key), Libc.address(value), value.capacity());
        } finally {
            Reference.reachabilityFence(file);
            Reference.reachabilityFence(key);
            Reference.reachabilityFence(value);
        }
    }

    public static int fremovexattr(int fd, String name) {
        ByteBuffer key = Libc.cString(name);
        try {
            return Libc.callInt(FREMOVEXATTR, fd, Libc.address(key));
        } finally {
            Reference.reachabilityFence(key);
        }
    }

    /** name_to_handle_at(2) of the descriptor itself, into the struct at {@code address}; see sys.abi.FileHandle. */
    public static int handle(int fd, long address) {
        ByteBuffer mountId = Libc.struct(Integer.BYTES);
        try {
            return Libc.callInt(
                    NAME_TO_HANDLE_AT, fd, EMPTY_PATH_ADDRESS, address, Libc.address(mountId), AT_EMPTY_PATH);
        } finally {
            Reference.reachabilityFence(mountId);
        }
    }

    /** open_by_handle_at(2): the file of the struct at {@code address}, on the file system of {@code mountFd}. */
    public static int openByHandle(int mountFd, long address, int flags) {
        return Libc.callInt(OPEN_BY_HANDLE_AT, mountFd, address, flags | O_CLOEXEC);
    }

    /** Sets access and modification time to now. */
    public static int touch(int fd) {
        return setTimes(fd, 0);
    }

    /** futimens(2): two of struct timespec at {@code address}, of the last access and of the last change. */
    public static int setTimes(int fd, long address) {
        return Libc.callInt(FUTIMENS, fd, address);
    }
}
