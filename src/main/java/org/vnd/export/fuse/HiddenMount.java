package org.vnd.export.fuse;

import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.MountCalls;
import org.vnd.sys.SysException;

/**
 * The file system with one file that a {@link Server} answers for, mounted in no place: who has the file open keeps it, and
 * when the last of them has closed it, it is gone, however this process ends. It takes CAP_SYS_ADMIN.
 */
public final class HiddenMount implements AutoCloseable {
    private static final String TYPE = "fuse";

    private final int root;

    private HiddenMount(int root) {
        this.root = root;
    }

    /**
     * Mounts. It answers as soon as the server is started; until then whoever looks at it waits.
     *
     * @param fuseFd from {@link FuseMount#openDevice}
     * @param source what names the file system for people
     * @throws SysException EPERM without CAP_SYS_ADMIN; ENOSYS before Linux 5.2
     */
    public static HiddenMount mount(int fuseFd, String source, boolean readOnly) throws SysException {
        int context = (int) Libc.check(MountCalls.openFileSystem(TYPE), "fsopen", TYPE);
        try {
            option(context, "source", source);
            option(context, "subtype", "vnd");
            option(context, "fd", Integer.toString(fuseFd));
            option(context, "rootmode", "40000");
            option(context, "user_id", Integer.toString(FuseMount.userId()));
            option(context, "group_id", Integer.toString(FuseMount.groupId()));
            option(context, "default_permissions", "");
            String[] maximumRead = FuseMount.maximumRead().split("=");
            option(context, maximumRead[0], maximumRead[1]);
            if (readOnly) {
                option(context, "ro", "");
            }
            Libc.check(MountCalls.createFileSystem(context), "fsconfig", TYPE);
            int attributes = MountCalls.MOUNT_ATTR_NOSUID | MountCalls.MOUNT_ATTR_NODEV | MountCalls.MOUNT_ATTR_NOEXEC;
            int root = MountCalls.mountNowhere(context, attributes | (readOnly ? MountCalls.MOUNT_ATTR_RDONLY : 0));
            return new HiddenMount((int) Libc.check(root, "fsmount", TYPE));
        } finally {
            FileCalls.close(context);
        }
    }

    private static void option(int context, String key, String value) throws SysException {
        Libc.check(MountCalls.configureFileSystem(context, key, value), "fsconfig " + key, TYPE);
    }

    /** The path of the disk's file, for processes that may look into this one, until {@link #close}. */
    public String file() {
        return "/proc/" + ProcessHandle.current().pid() + "/fd/" + root + "/disk";
    }

    /** Leaves the file to those who have it open. */
    @Override
    public void close() {
        FileCalls.close(root);
    }
}
