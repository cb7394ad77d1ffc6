package org.vnd.image;

import java.nio.ByteBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Statx;

/**
 * The image as the user named it, pinned by a descriptor that names it without opening it, so that every later open gets
 * the same file whatever becomes of the path. Such a descriptor breaks no lease and doesn't count as an opener.
 */
final class BackingFile implements AutoCloseable {
    private final String path;
    private final int pathFd;
    private final String identity;
    /** As of when it was pinned. */
    private final long sizeBytes;

    /** Pins {@code path}, following symbolic links, and refuses what isn't a regular file without opening it. */
    BackingFile(String path) throws ImageException {
        this(path, pin(path));
    }

    /** A file that {@code pathFd} pins already; it is this object's then, also if this throws. */
    BackingFile(String path, int pathFd) throws ImageException {
        this.path = path;
        this.pathFd = pathFd;
        try {
            ByteBuffer status = FileFacts.statx(pathFd, path);
            checkRegular(status);
            this.identity = FileFacts.identity(status);
            this.sizeBytes = status.getLong(Statx.SIZE_OFFSET);
        } catch (SysException e) {
            FileCalls.close(pathFd);
            throw new ImageException(path, Errno.message(e.errno()), e);
        } catch (ImageException e) {
            FileCalls.close(pathFd);
            throw e;
        }
    }

    private static int pin(String path) throws ImageException {
        int fd = FileCalls.open(path, FileCalls.O_PATH);
        if (fd < 0) {
            throw new ImageException(path, Errno.message(-fd));
        }
        return fd;
    }

    private void checkRegular(ByteBuffer status) throws ImageException {
        if ((status.getShort(Statx.MODE_OFFSET) & Statx.MODE_TYPE) != Statx.MODE_REGULAR) {
            throw new ImageException(path, "not a regular file");
        }
    }

    /** It is to be a disk. */
    void requireContent() throws ImageException {
        if (sizeBytes == 0) {
            throw new ImageException(path, "is empty: give it a size first, with truncate -s");
        }
    }

    /** As the user gave it. */
    String path() {
        return path;
    }

    /** Which file it is, see {@link FileFacts#identity}. */
    String identity() {
        return identity;
    }

    /** Where it lies. */
    FilePlace place() throws SysException {
        return FilePlace.of(pathFd, path);
    }

    /** Whether it was looked up on a mount that is read-only, or whose file system is. */
    boolean isReadOnly() throws SysException {
        Mount mount = Mount.of(FileFacts.read(pathFd, path));
        return mount != null && mount.hasOption("ro");
    }

    /** Whether nobody may change it, as far as its file system says. */
    boolean isImmutable() throws SysException {
        return (FileFacts.statx(pathFd, path).getLong(Statx.ATTRIBUTES_OFFSET) & Statx.ATTRIBUTE_IMMUTABLE) != 0;
    }

    /** A path that always leads to this file, for calls that want one. */
    String pinnedPath() {
        return "/proc/self/fd/" + pathFd;
    }

    /**
     * Opens it.
     *
     * @throws SysException EAGAIN: somebody holds a lease that forbids it
     */
    int open(int flags) throws SysException {
        // A wait for the end of another's lease could take 45 seconds.
        return (int) Libc.check(FileCalls.open(pinnedPath(), flags | FileCalls.O_NONBLOCK), "open", path);
    }

    @Override
    public void close() {
        FileCalls.close(pathFd);
    }
}
