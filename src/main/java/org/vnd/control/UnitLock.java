package org.vnd.control;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The lock of a unit, seen by those who don't own it. Keeper and daemon hold it for writing, as an open file description
 * lock (fcntl(2), F_OFD_SETLK). Whoever looks takes a shared POSIX lock for a moment: two who look don't see each
 * other, and the keeper knows such a lock from another keeper's and tries again.
 */
public final class UnitLock implements AutoCloseable {
    private final FileChannel channel;

    private UnitLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Opens the lock file as it is now: a unit that ends and begins anew later has another one.
     *
     * @throws NoSuchFileException there is none, and so nobody who has the unit
     */
    public static UnitLock open(Path lockFile) throws IOException {
        try {
            return new UnitLock(FileChannel.open(lockFile, StandardOpenOption.READ));
        } catch (NoSuchFileException nobody) {
            throw nobody;
        } catch (IOException failure) {
            throw new StateException(lockFile, failure);
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
        channel.close();
    }
}
