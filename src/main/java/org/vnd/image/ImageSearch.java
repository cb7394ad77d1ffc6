package org.vnd.image;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/**
 * Finds the image of a disk that crashed, wherever it is by now: first on its old paths, if they still lead to that file,
 * then by its handle on its file system, wherever that is mounted.
 */
final class ImageSearch {
    /** Where a disk can have locked a file, {@link Eligibility}. */
    private static final Set<String> FILE_SYSTEMS = Set.of("ext2", "ext3", "ext4", "xfs");

    private final LostImage image;
    private final FilePlace place;
    /** How the last look by a handle has ended; 0: there was none. */
    private int errno;
    /** Why it may be there although its handle leads nowhere; empty: it is deleted. */
    private String doubt = "";
    /** The path that couldn't be looked up, and why; empty if there is none. */
    private String pathError = "";

    private ImageSearch(LostImage image) {
        this.image = image;
        this.place = image.place();
    }

    /**
     * The file that {@code image} was, or null if it was deleted, for certain.
     *
     * @throws ImageException it can't be told where it is; the message says what to do
     */
    static @Nullable BackingFile find(LostImage image) throws ImageException {
        return new ImageSearch(image).find();
    }

    /** Whether {@code file} is known to be another file than {@code image} was, though it may have its numbers. */
    static boolean isAnother(BackingFile file, LostImage image) {
        return image.isKnown() && !new ImageSearch(image).isImage(file, true);
    }

    private @Nullable BackingFile find() throws ImageException {
        if (!image.isKnown()) {
            return new BackingFile(image.paths().get(0));
        }
        BackingFile found = byPath(true);
        if (found == null || isReadOnly(found)) {
            found = better(found, byHandle(true));
        }
        if (found != null) {
            return found;
        }
        switch (errno) {
            case 0:
                return elsewhere();
            case Errno.ESTALE:
                if (doubt.isEmpty()) {
                    return null;
                }
                throw new ImageException(
                        image.name(),
                        "isn't found, and whether it is deleted can't be told (" + doubt + "): vndconfig --recover"
                                + " with the name it has now unlocks it");
            default:
                throw new ImageException(
                        image.name(),
                        "isn't there, and can't be looked for on " + mountPoint() + ": " + Errno.message(errno)
                                + ": vndconfig --recover with the name it has now unlocks it");
        }
    }

    /** On another device, if its own has not got its file system any more: a copy of all of it has the same identity. */
    private BackingFile elsewhere() throws ImageException {
        BackingFile found = byPath(false);
        if (found == null) {
            found = byHandle(false);
        }
        if (found == null) {
            throw new ImageException(image.name(), notMounted());
        }
        if (Superblock.mayBeOn(place.deviceMajor(), place.deviceMinor(), place.fileSystem())) {
            found.close();
            throw new ImageException(
                    found.path(),
                    "is on another device than the image of " + image.unit() + ", which was on " + oldDevice()
                            + " and may still be there: mount that, then vndconfig --recover " + image.unit()
                            + "; vndconfig --recover with its name unlocks this one");
        }
        return found;
    }

    private String oldDevice() {
        String device = place.device().isEmpty() ? "" : place.device() + ", ";
        return device + "device " + place.deviceMajor() + ":" + place.deviceMinor();
    }

    private String notMounted() {
        return "its file system isn't mounted here (" + oldDevice() + ", it was on " + mountPoint()
                + "): mount it, then vndconfig --recover " + image.unit();
    }

    private String mountPoint() {
        return place.mountPoint().isEmpty() ? "its file system" : place.mountPoint();
    }

    /** It can be unlocked where it can be written. */
    private static boolean isReadOnly(BackingFile file) {
        try {
            return file.isReadOnly();
        } catch (SysException e) {
            return false;
        }
    }

    private static @Nullable BackingFile better(@Nullable BackingFile byPath, @Nullable BackingFile byHandle) {
        if (byPath == null || byHandle == null) {
            return byPath == null ? byHandle : byPath;
        }
        boolean writable = !isReadOnly(byHandle);
        (writable ? byPath : byHandle).close();
        return writable ? byHandle : byPath;
    }

    private @Nullable BackingFile byPath(boolean onItsDevice) {
        for (String path : image.paths()) {
            BackingFile file = pinned(path);
            if (file != null && isImage(file, onItsDevice)) {
                return file;
            }
            if (file != null) {
                file.close();
            }
        }
        return null;
    }

    /** Null if there is nothing that could be an image. */
    private @Nullable BackingFile pinned(String path) {
        int fd = FileCalls.open(path, FileCalls.O_PATH);
        if (fd < 0) {
            if (fd != -Errno.ENOENT && fd != -Errno.ENOTDIR) {
                pathError = path + ": " + Errno.message(-fd);
            }
            return null;
        }
        try {
            return new BackingFile(path, fd);
        } catch (ImageException e) {
            return null;
        }
    }

    private boolean isImage(BackingFile file, boolean onItsDevice) {
        try {
            FilePlace there = file.place();
            boolean itsDevice =
                    there.deviceMajor() == place.deviceMajor() && there.deviceMinor() == place.deviceMinor();
            return there.inode() == place.inode()
                    && (itsDevice == onItsDevice)
                    && isItsFileSystem(there.fileSystem(), itsDevice)
                    && (there.handle().equals(place.handle())
                            || there.handle().isEmpty()
                            || place.handle().isEmpty());
        } catch (SysException e) {
            pathError = file.path() + ": " + Errno.message(e.errno());
            return false;
        }
    }

    /** Where one of them isn't known, the device decides. */
    private boolean isItsFileSystem(String fileSystem, boolean itsDevice) {
        boolean known = !fileSystem.isEmpty() && !place.fileSystem().isEmpty();
        return known ? fileSystem.equals(place.fileSystem()) : itsDevice;
    }

    private @Nullable BackingFile byHandle(boolean onItsDevice) throws ImageException {
        String device = place.deviceMajor() + ":" + place.deviceMinor();
        List<Mount> mounts = Mount.all();
        // By a mount that is read-only it is found, too, and can't be unlocked.
        for (boolean readOnly : new boolean[] {false, true}) {
            for (Mount mount : mounts) {
                // Others aren't touched: a dead NFS doesn't answer.
                boolean asked = onItsDevice
                        ? mount.device().equals(device)
                        : !mount.device().equals(device) && FILE_SYSTEMS.contains(mount.fileSystem());
                BackingFile file = asked && mount.hasOption("ro") == readOnly ? byHandle(mount, onItsDevice) : null;
                if (file != null) {
                    return file;
                }
            }
        }
        return null;
    }

    private @Nullable BackingFile byHandle(Mount mount, boolean itsDevice) throws ImageException {
        int root = FileCalls.open(mount.mountPoint(), FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
        if (root < 0) {
            failed(-root, itsDevice);
            return null;
        }
        int fd;
        try {
            String[] numbers = mount.device().split(":", 2);
            boolean seen = FileFacts.isOn(root, Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]));
            String fileSystem = FileIdentity.fileSystem(root);
            if (!seen || !isItsFileSystem(fileSystem, itsDevice)) {
                return null;
            }
            fd = FileIdentity.isHandle(place.handle()) ? FileIdentity.open(root, place.handle()) : -Errno.EOPNOTSUPP;
            if (fd == -Errno.ESTALE && itsDevice) {
                errno = Errno.ESTALE;
                doubt = doubt(mount, root, fileSystem);
            } else if (fd < 0 && fd != -Errno.ESTALE) {
                errno = -fd;
            }
        } catch (SysException e) {
            failed(e.errno(), itsDevice);
            return null;
        } finally {
            FileCalls.close(root);
        }
        if (fd < 0) {
            return null;
        }
        String path = SmallFile.readLink("/proc/self/fd/" + fd);
        // What no path was looked up for has none that the kernel would know.
        boolean named = path.length() > 1;
        return new BackingFile(
                named ? path : image.name() + " (now inode " + place.inode() + " on " + mount.mountPoint() + ")", fd);
    }

    /** Its file system is there and can't be looked at; a mount point that is hidden or out of reach says nothing. */
    private void failed(int error, boolean itsDevice) {
        if (itsDevice && (error == Errno.EIO || error == Errno.EPERM || error == Errno.EACCES)) {
            errno = error;
        }
    }

    /**
     * What a handle's ESTALE may mean beside a deleted file; empty if nothing. The kernel makes every error of it,
     * do_handle_to_path of fs/fhandle.c.
     */
    private String doubt(Mount mount, int root, String fileSystem) {
        if (!FileIdentity.isCertain(fileSystem, mount.fileSystem()) || !fileSystem.equals(place.fileSystem())) {
            return "the file system on " + mount.mountPoint() + " needn't be the same";
        }
        if (!pathError.isEmpty()) {
            return pathError;
        }
        // One that was shut down: XFS has said so before, ext4 does here.
        int synced = FileCalls.fsync(root);
        return synced < 0 ? mount.mountPoint() + ": " + Errno.message(-synced) : "";
    }
}
