package org.vnd.image;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;

/**
 * A new file that gets its name when it is whole. Until then it has none (O_TMPFILE), and is gone with the process, however
 * that ends; where the file system can't do so, it has a name of its own, which only a SIGKILL leaves behind.
 */
final class UnnamedFile implements AutoCloseable {
    /** Of the file, less the umask: who else may read a disk is for its owner to say, as with any other file. */
    private static final int MODE = 0666;

    private final String path;
    private final String folder;
    private final String name;
    private final int folderFd;
    private final boolean direct;
    private int fd;
    /** Empty if it has none. */
    private String temporaryName;

    private boolean named;

    /** Makes a file that can become {@code path}, where nothing may be. */
    UnnamedFile(String path) throws ImageException {
        this(path, true);
    }

    /** {@code nameless}: whether to try without a name first. */
    UnnamedFile(String path, boolean nameless) throws ImageException {
        this(path, folderOf(path), nameOf(path), nameless);
    }

    /** {@code name} is empty if it will never have one. */
    private UnnamedFile(String path, String folder, String name, boolean nameless) throws ImageException {
        this.path = path;
        this.folder = folder;
        this.name = name;
        this.folderFd = openFolder(folder);
        try {
            if (!name.isEmpty()) {
                refuseExisting();
            }
            int made = nameless ? make(".", FileCalls.O_TMPFILE) : -Errno.EOPNOTSUPP;
            String temporary = "";
            // EISDIR is what a file system, or a kernel, says that has never heard of it.
            if (!name.isEmpty() && (made == -Errno.EOPNOTSUPP || made == -Errno.EISDIR)) {
                temporary = ".vnd-create-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
                made = make(temporary, FileCalls.O_CREAT | FileCalls.O_EXCL);
            }
            if (made < 0) {
                String what = name.isEmpty() ? "a second file in its folder " : "";
                throw new ImageException(path, what + "can't be made: " + Errno.message(-made));
            }
            this.fd = made;
            this.temporaryName = temporary;
        } catch (ImageException e) {
            FileCalls.close(folderFd);
            throw e;
        }
        if (!temporaryName.isEmpty()) {
            Runtime.getRuntime().addShutdownHook(new Thread(this::removeTemporary, "vnd-create-end"));
        }
        // Not at the open, which fails where there is no O_DIRECT.
        this.direct = FileCalls.fcntl(fd, FileCalls.F_SETFL, FileCalls.O_DIRECT) == 0;
    }

    /** A file in {@code folder} that never gets a name, for blocks that {@code path} is to have. */
    static UnnamedFile beside(String path, String folder) throws ImageException {
        return new UnnamedFile(path, folder, "", true);
    }

    /** One more of the same. */
    UnnamedFile another() throws ImageException {
        return name.isEmpty() ? beside(path, folder) : new UnnamedFile(path);
    }

    private static String folderOf(String path) throws ImageException {
        return notRoot(path, Path.of(path).getParent());
    }

    private static String nameOf(String path) throws ImageException {
        return notRoot(path, Path.of(path).getFileName());
    }

    private static String notRoot(String path, @Nullable Path part) throws ImageException {
        if (part == null) {
            throw new ImageException(path, Errno.message(Errno.EISDIR));
        }
        return part.toString();
    }

    private int openFolder(String folder) throws ImageException {
        int opened = FileCalls.open(folder, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
        if (opened < 0) {
            throw new ImageException(path, folder + ": " + Errno.message(-opened));
        }
        return opened;
    }

    /** Early, so that nobody waits for what can't be; the last word is the kernel's. */
    private void refuseExisting() throws ImageException {
        int existing = FileCalls.open(inFolder(name), FileCalls.O_PATH | FileCalls.O_NOFOLLOW);
        if (existing >= 0) {
            FileCalls.close(existing);
            throw exists();
        }
        if (existing != -Errno.ENOENT) {
            throw new ImageException(path, Errno.message(-existing));
        }
    }

    private ImageException exists() {
        return new ImageException(path, "exists already; create makes new files only");
    }

    private String inFolder(String entry) {
        return "/proc/self/fd/" + folderFd + "/" + entry;
    }

    private int make(String entry, int flags) {
        return FileCalls.open(inFolder(entry), flags | FileCalls.O_RDWR, MODE);
    }

    String path() {
        return path;
    }

    int fd() {
        return fd;
    }

    /** Whether I/O through {@link #fd} goes past the page cache. */
    boolean direct() {
        return direct;
    }

    /** Becomes the file that {@code other} is, for the same path, and the other way round. */
    void exchange(UnnamedFile other) {
        assert path.equals(other.path) && !named && !other.named;
        int otherFd = other.fd;
        String otherName = other.temporaryName;
        other.fd = fd;
        other.temporaryName = temporaryName;
        fd = otherFd;
        temporaryName = otherName;
    }

    /** Gives it its name, unless somebody else has taken that meanwhile; file and name survive a crash then. */
    void giveName() throws ImageException {
        check(FileCalls.fsync(fd), "fsync");
        int result = temporaryName.isEmpty()
                ? FileCalls.link("/proc/self/fd/" + fd, folderFd, name)
                : FileCalls.renameToNew(folderFd, temporaryName, name);
        if (result == -Errno.EINVAL && !temporaryName.isEmpty()) {
            // A file system that can't promise to replace nothing, as of a network.
            result = FileCalls.link(inFolder(temporaryName), folderFd, name);
            removeTemporary();
        }
        if (result == -Errno.EEXIST) {
            throw exists();
        }
        check(result, "naming it");
        named = true;
        check(FileCalls.fsync(folderFd), "fsync of its folder");
    }

    private void check(int result, String what) throws ImageException {
        if (result < 0) {
            throw new ImageException(path, what + ": " + Errno.message(-result));
        }
    }

    private void removeTemporary() {
        if (!named && !temporaryName.isEmpty()) {
            FileCalls.unlink(inFolder(temporaryName));
        }
    }

    @Override
    public void close() {
        removeTemporary();
        FileCalls.close(fd);
        FileCalls.close(folderFd);
    }
}
