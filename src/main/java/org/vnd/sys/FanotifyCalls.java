package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** fanotify(7): being told what others do with a file. See {@link org.vnd.sys.abi.FanotifyEvent}. */
public final class FanotifyCalls {
    private static final long INIT = Libc.symbol("fanotify_init");
    private static final long MARK = Libc.symbol("fanotify_mark");

    private FanotifyCalls() {}

    /** fanotify_init(2); events bring descriptors opened with {@code eventFlags}. Mostly CAP_SYS_ADMIN is needed. */
    public static int init(int flags, int eventFlags) {
        return Libc.callInt(INIT, flags, eventFlags);
    }

    /** fanotify_mark(2) of the file at {@code path}. */
    public static int mark(int group, int flags, long mask, String path) {
        ByteBuffer name = Libc.cString(path);
        try {
            return Libc.callInt(MARK, group, flags, mask, AT_FDCWD, Libc.address(name));
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    /** include/uapi/linux/fcntl.h */
    private static final int AT_FDCWD = -100;
}
