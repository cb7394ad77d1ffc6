package org.vnd.control;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * The lock of a unit, seen by those who don't own it. Keeper and daemon hold it for writing, as an open file description
 * lock (fcntl(2), F_OFD_SETLK). Whoever looks takes a shared POSIX lock for a moment: two who look don't see each
 * other, and the keeper knows such a lock from another keeper's and tries again.
 */
public final class UnitLock implements AutoCloseable {
    private final FileChannel channel;
    /** To be removed, because whoever made it isn't a keeper; empty if it stays. */
    private final Optional<Path> made;
    /** Held as long as this isn't closed; empty for one who only looks. */
    private final Optional<FileLock> shared;

    private UnitLock(FileChannel channel, Optional<Path> made, Optional<FileLock> shared) {
        this.channel = channel;
        this.made = made;
        this.shared = shared;
    }

    /**
     * Opens the lock file as it is now: a unit that ends and begins anew later has another one.
     *
     * @throws NoSuchFileException there is none, and so nobody who has the unit
     */
    public static UnitLock open(Path lockFile) throws IOException {
        try {
            return new UnitLock(
                    FileChannel.open(lockFile, StandardOpenOption.READ), Optional.empty(), Optional.empty());
        } catch (NoSuchFileException nobody) {
            throw nobody;
        } catch (IOException failure) {
            throw new StateException(lockFile, failure);
        }
    }

    /**
     * Holds off keepers until it is closed, which must be soon: they wait for a second. Two who do this don't see each other.
     * None if a keeper or daemon of this unit lives.
     *
     * @throws NoSuchFileException there is no state folder, and so no keeper
     */
    public static Optional<UnitLock> holdOff(Path lockFile) throws IOException {
        while (true) {
            boolean made = create(lockFile);
            try {
                return holdOff(lockFile, made);
            } catch (NoSuchFileException ended) {
                // A keeper has ended at this moment, and its lock file with it.
            }
        }
    }

    /** Whether there was none. */
    private static boolean create(Path lockFile) throws IOException {
        try {
            Files.createFile(
                    lockFile, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            return true;
        } catch (FileAlreadyExistsException before) {
            // Of a keeper and a daemon that were killed, or of one that lives.
            return false;
        }
    }

    private static Optional<UnitLock> holdOff(Path lockFile, boolean made) throws IOException {
        Object file = Files.readAttributes(lockFile, BasicFileAttributes.class).fileKey();
        FileChannel channel = made
                ? FileChannel.open(lockFile, StandardOpenOption.READ, StandardOpenOption.WRITE)
                : FileChannel.open(lockFile, StandardOpenOption.READ);
        FileLock shared = channel.tryLock(0, Long.MAX_VALUE, true);
        if (shared == null || !isStill(lockFile, file)) {
            channel.close();
            return Optional.empty();
        }
        return Optional.of(new UnitLock(channel, made ? Optional.of(lockFile) : Optional.empty(), Optional.of(shared)));
    }

    /** The last owner removes the file while he has the lock; what was locked then is nobody's any more. */
    private static boolean isStill(Path lockFile, Object file) throws IOException {
        try {
            return file.equals(
                    Files.readAttributes(lockFile, BasicFileAttributes.class).fileKey());
        } catch (NoSuchFileException gone) {
            return false;
        }
    }

    /** Whether a keeper or daemon of this unit lives. */
    public static boolean isHeld(Path lockFile) throws IOException {
        try (UnitLock lock = open(lockFile)) {
            return lock.isHeld();
        } catch (NoSuchFileException nobody) {
            return false;
        }
    }

    /** Whether the keeper or daemon that held this lock file lives. */
    public boolean isHeld() throws IOException {
        FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true);
        if (lock == null) {
            return true;
        }
        lock.release();
        return false;
    }

    /** Waits until keeper and daemon have ended. */
    public void awaitFree() throws IOException {
        channel.lock(0, Long.MAX_VALUE, true).release();
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            if (made.isPresent() && isOursAlone()) {
                Files.deleteIfExists(made.get());
            }
        }
    }

    /** Another who holds keepers off by the same file would not, once it has lost its name. */
    private boolean isOursAlone() throws IOException {
        if (shared.isPresent()) {
            shared.get().release();
        }
        return channel.tryLock() != null;
    }
}
