package org.vnd.image;

import java.util.concurrent.TimeUnit;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SignalCalls;
import org.vnd.sys.SysException;

/**
 * A lease on an open file, fcntl(2) F_SETLEASE. F_WRLCK is granted only where nothing else has the file open or mapped,
 * F_RDLCK only where nothing has it open or mapped for writing. While one is held, an open that contradicts it waits for
 * the holder, up to lease-break-time, or fails at once if it mustn't wait.
 */
final class Lease {
    /** A watcher looks once a second; three leave it time to stop the disk before an intruder gets the file. */
    static final int BREAK_SECONDS_MIN = 3;

    /** How often a lease is asked for: somebody who only looked at the file is gone by then. */
    private static final int ATTEMPTS = 25;

    private static final int PAUSE_MILLIS = 20;

    /** include/uapi/asm-generic/signal.h: nobody minds it, while SIGIO, the default here, ends a process. */
    private static final int SIGURG = 23;

    /** The same: what the kernel sends where no other signal was chosen, or can't be sent. */
    private static final int SIGIO = 29;

    static {
        // The keeper does so for the daemon, but leases are taken by others too.
        SignalCalls.ignore(SIGIO);
    }

    private Lease() {}

    /** Why leases can't be relied on here, or an empty string. */
    static String problem() {
        return problem(SmallFile.readNumber("/proc/sys/fs/leases-enable", 1), breakSeconds());
    }

    static String problem(long enabled, long breakSeconds) {
        if (enabled == 0) {
            return "leases are switched off (fs.leases-enable=0)";
        }
        if (breakSeconds < BREAK_SECONDS_MIN) {
            return "fs.lease-break-time=" + breakSeconds + " leaves no time to stop: set it to 45, the usual";
        }
        return "";
    }

    /** How long whoever breaks a lease waits for its holder, proc_sys_fs(5). */
    static long breakSeconds() {
        return SmallFile.readNumber("/proc/sys/fs/lease-break-time", BREAK_SECONDS_MIN);
    }

    /** The same in nanoseconds, and carefully: with 0 the kernel waits for ever. */
    static long breakNanos() {
        return TimeUnit.SECONDS.toNanos(Math.max(1, breakSeconds()));
    }

    /**
     * Takes the lease {@code type}, F_RDLCK or F_WRLCK.
     *
     * @return 0, or a negated errno: EAGAIN if others have the file open, EINVAL if the file system has no leases, EACCES
     *     if the file is another user's
     */
    static int take(int fd, int type) {
        int result = -Errno.EAGAIN;
        for (int attempt = 0; result == -Errno.EAGAIN && attempt < ATTEMPTS; attempt++) {
            if (attempt > 0) {
                pause();
            }
            result = set(fd, type);
        }
        return result;
    }

    private static int set(int fd, int type) {
        int result = FileCalls.fcntl(fd, FileCalls.F_SETSIG, SIGURG);
        return result < 0 ? result : FileCalls.fcntl(fd, FileCalls.F_SETLEASE, type);
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Turns a lease of F_WRLCK into one of F_RDLCK, which lets readers in, those who wait too. */
    static void lower(int fd, String path) throws SysException {
        Libc.check(set(fd, FileCalls.F_RDLCK), "lower the lease on", path);
    }

    /** What is left of the lease: its type, or, once somebody is breaking it, the type it will have. */
    static int current(int fd) {
        return FileCalls.fcntl(fd, FileCalls.F_GETLEASE, 0);
    }

    static void giveUp(int fd) {
        FileCalls.fcntl(fd, FileCalls.F_SETLEASE, FileCalls.F_UNLCK);
    }

    /**
     * Takes one for writing on {@code fd}, which is the proof that nobody else has {@code file} open.
     *
     * @throws ImageException somebody has
     * @throws NotPhysicalException none can be had here
     */
    static void takeAlone(BackingFile file, int fd) throws ImageException, NotPhysicalException {
        int result = take(fd, FileCalls.F_WRLCK);
        switch (-result) {
            case 0 -> {}
            case Errno.EAGAIN -> throw new ImageException(file.path(), "in use: " + Holders.describe(file, fd));
            case Errno.EACCES -> throw new NotPhysicalException("no permission to take a lease on it");
            default -> throw new NotPhysicalException("no lease can be had on it: " + Errno.message(-result));
        }
    }
}
