package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** System calls on mounts. Each returns a value ≥ 0 or a negated errno; see {@link Libc}. */
public final class MountCalls {
    // include/uapi/linux/mount.h
    public static final int MS_RDONLY = 1;
    public static final int MS_NOSUID = 2;
    public static final int MS_NODEV = 4;
    public static final int MS_NOEXEC = 8;

    // include/linux/fs.h
    /** A symbolic link at the end of the path isn't followed. */
    public static final int UMOUNT_NOFOLLOW = 8;

    // include/uapi/linux/mount.h
    public static final int FSOPEN_CLOEXEC = 1;
    public static final int FSCONFIG_SET_FLAG = 0;
    public static final int FSCONFIG_SET_STRING = 1;
    public static final int FSCONFIG_CMD_CREATE = 6;
    public static final int FSMOUNT_CLOEXEC = 1;
    public static final int MOUNT_ATTR_RDONLY = 1;
    public static final int MOUNT_ATTR_NOSUID = 2;
    public static final int MOUNT_ATTR_NODEV = 4;
    public static final int MOUNT_ATTR_NOEXEC = 8;

    // include/uapi/asm-generic/unistd.h, Linux 5.2
    private static final int SYS_FSOPEN = 430;
    private static final int SYS_FSCONFIG = 431;
    private static final int SYS_FSMOUNT = 432;

    private static final long MOUNT = Libc.symbol("mount");
    private static final long UMOUNT2 = Libc.symbol("umount2");

    private MountCalls() {}

    /** mount(2) of a file system of {@code type} on the directory {@code target}. */
    public static int mount(String source, String target, String type, int flags, String options) {
        ByteBuffer sourceText = Libc.cString(source);
        ByteBuffer targetText = Libc.cString(target);
        ByteBuffer typeText = Libc.cString(type);
        ByteBuffer optionsText = Libc.cString(options);
        try {
            return Libc.callInt(
                    MOUNT,
                    Libc.address(sourceText),
                    Libc.address(targetText),
                    Libc.address(typeText),
                    flags,
                    Libc.address(optionsText));
        } finally {
            Reference.reachabilityFence(sourceText);
            Reference.reachabilityFence(targetText);
            Reference.reachabilityFence(typeText);
            Reference.reachabilityFence(optionsText);
        }
    }

    /** umount2(2) */
    public static int unmount(String target, int flags) {
        ByteBuffer targetText = Libc.cString(target);
        try {
            return Libc.callInt(UMOUNT2, Libc.address(targetText), flags);
        } finally {
            Reference.reachabilityFence(targetText);
        }
    }

    /** fsopen(2): a file system of {@code type} that is being set up; the result is its descriptor. */
    public static int openFileSystem(String type) {
        ByteBuffer typeText = Libc.cString(type);
        try {
            return (int) Libc.syscall(SYS_FSOPEN, Libc.address(typeText), FSOPEN_CLOEXEC, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(typeText);
        }
    }

    /** fsconfig(2) of one option; a flag's {@code value} is empty. */
    public static int configureFileSystem(int fd, String key, String value) {
        ByteBuffer keyText = Libc.cString(key);
        ByteBuffer valueText = Libc.cString(value);
        boolean flag = value.isEmpty();
        try {
            return (int) Libc.syscall(
                    SYS_FSCONFIG,
                    fd,
                    flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                    Libc.address(keyText),
                    flag ? 0 : Libc.address(valueText),
                    0);
        } finally {
            Reference.reachabilityFence(keyText);
            Reference.reachabilityFence(valueText);
        }
    }

    /** fsconfig(2): the options are all there, make it. */
    public static int createFileSystem(int fd) {
        return (int) Libc.syscall(SYS_FSCONFIG, fd, FSCONFIG_CMD_CREATE, 0, 0, 0);
    }

    /** fsmount(2): a mount of it in no place; the result is the descriptor of its root, as by O_PATH. */
    public static int mountNowhere(int fd, int attributes) {
        return (int) Libc.syscall(SYS_FSMOUNT, fd, FSMOUNT_CLOEXEC, attributes, 0, 0);
    }
}
