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
    /** Ends the connection to a server that may not answer any more, before the mount is looked at. */
    public static final int MNT_FORCE = 1;
    /** Takes the mount out of sight, even if it is in use. */
    public static final int MNT_DETACH = 2;
    /** A symbolic link at the end of the path isn't followed. */
    public static final int UMOUNT_NOFOLLOW = 8;

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
}
