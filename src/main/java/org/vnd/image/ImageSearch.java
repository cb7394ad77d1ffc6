package org.vnd.image;

import java.util.Set;
import org.jspecify.annotations.Nullable;
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

    private ImageSearch(LostImage image) {
        this.image = image;
        this.place = image.place();
    }

    /**
     * The file that {@code image} was, or null if it was deleted.
     *
     * @throws ImageException it can't be told where it is; the message says what to do
     */
    static @Nullable BackingFile find(LostImage image) throws ImageException {
        return new ImageSearch(image).find();
    }

    private @Nullable BackingFile find() throws ImageException {
        if (!image.isKnown()) {
            return new BackingFile(image.paths().get(0));
        }
        BackingFile found = byPath(true);
        if (found == null) {
            found = byHandle(true);
        }
        // On another device only if that one is gone: a copy of all of it has the same identity.
        if (found == null && errno == 0) {
            found = byPath(false);
        }
        if (found == null && errno == 0) {
            found = byHandle(false);
        }
        if (found != null) {
            return found;
        }
        switch (errno) {
            case Errno.ESTALE:
                return null;
            case 0:
                throw new ImageException(image.name(), notMounted());
            default:
                throw new ImageException(
                        image.name(),
                        "isn't there, and can't be looked for on " + mountPoint() + ": " + Errno.message(errno)
                                + ": vndconfig --recover with the name it has now unlocks it");
        }
    }

    private String notMounted() {
        String device = place.device().isEmpty() ? "" : place.device() + ", ";
        return "its file system isn't mounted here (" + device + "device " + place.deviceMajor() + ":"
                + place.deviceMinor() + ", it was on " + mountPoint() + "): mount it, then vndconfig --recover "
                + image.unit() + "; vndconfig -u -F " + image.unit() + " gives the disk up";
    }

    private String mountPoint() {
        return place.mountPoint().isEmpty() ? "its file system" : place.mountPoint();
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
    private static @Nullable BackingFile pinned(String path) {
        try {
            return new BackingFile(path);
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
        for (Mount mount : Mount.all()) {
            // Others aren't touched: a dead NFS doesn't answer.
            boolean asked = onItsDevice
                    ? mount.device().equals(device)
                    : !mount.device().equals(device) && FILE_SYSTEMS.contains(mount.fileSystem());
            if (asked) {
                BackingFile file = byHandle(mount, onItsDevice);
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
            return null;
        }
        int fd;
        try {
            String[] numbers = mount.device().split(":", 2);
            boolean seen = FileFacts.isOn(root, Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]));
            if (!seen || !isItsFileSystem(FileIdentity.fileSystem(root), itsDevice)) {
                return null;
            }
            fd = FileIdentity.isHandle(place.handle()) ? FileIdentity.open(root, place.handle()) : -Errno.EOPNOTSUPP;
        } catch (SysException e) {
            return null;
        } finally {
            FileCalls.close(root);
        }
        if (fd < 0) {
            errno = -fd;
            return null;
        }
        String path = SmallFile.readLink("/proc/self/fd/" + fd);
        // What no path was looked up for has none that the kernel would know.
        boolean named = path.length() > 1;
        return new BackingFile(
                named ? path : image.name() + " (now inode " + place.inode() + " on " + mount.mountPoint() + ")", fd);
    }
}
