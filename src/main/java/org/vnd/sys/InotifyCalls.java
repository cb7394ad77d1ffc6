package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** inotify(7): being told what others have done with a file. See {@link org.vnd.sys.abi.InotifyEvent}. */
public final class InotifyCalls {
    private static final long INIT = Libc.symbol("inotify_init1");
    private static final long ADD_WATCH = Libc.symbol("inotify_add_watch");
    private static final long REMOVE_WATCH = Libc.symbol("inotify_rm_watch");

    private InotifyCalls() {}

    /** inotify_init1(2), close-on-exec; a read of the descriptor waits for an event unless {@code flags} are O_NONBLOCK. */
    public static int init(int flags) {
        return Libc.callInt(INIT, flags | FileCalls.O_CLOEXEC);
    }

    /** inotify_add_watch(2) of the file at {@code path}; the result names the watch. */
    public static int watch(int fd, String path, int mask) {
        ByteBuffer name = Libc.cString(path);
        try {
            return Libc.callInt(ADD_WATCH, fd, Libc.address(name), mask);
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    /** inotify_rm_watch(2), which also sends a last event, IN_IGNORED. */
    public static int unwatch(int fd, int watch) {
        return Libc.callInt(REMOVE_WATCH, fd, watch);
    }
}
