package org.vnd.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * Says, once, on standard error what holds up the process that a command has been waiting for for a few seconds, a daemon or a
 * recovery: which one is stopped, or waits in the kernel. Of one that works there is nothing to say.
 */
final class StallNotice extends Thread {
    /** What becomes of most commands. */
    static final String WAITING = "; waiting until it goes on";

    static final long FIRST_LOOK_MILLIS = 2000;
    static final long INTERVAL_MILLIS = 500;
    /** Where one waits who wants to change a frozen file system: include/linux/fs.h, sb_start_write. */
    private static final String FROZEN = "percpu_rwsem_wait";

    /** What it is called where one waits whose open somebody else is asked about: fs/notify/fanotify/fanotify.c. */
    private static final String ASKING = "fanotify_";

    /** So often somebody is seen to wait there who hasn't run in between, until it is said. */
    private static final int CERTAIN_LOOKS = 3;
    /** The same of a wait that may be for a slow disk. */
    private static final int LONG_LOOKS = 20;

    private final String subject;
    private final Awaited awaited;
    /** What is said after what holds it up: what becomes of the command. */
    private final String then;

    /** The thread that waited in the kernel at the last look, how often it had run, and how many looks it hasn't since. */
    private String waiting = "";

    private int looks;

    /** About {@code awaited}, which works on {@code subject}; said with {@code then} at the end. */
    StallNotice(String subject, Awaited awaited, String then) {
        super("vnd-stall");
        setDaemon(true);
        this.subject = subject;
        this.awaited = awaited;
        this.then = then;
    }

    @Override
    public void run() {
        try {
            for (sleep(FIRST_LOOK_MILLIS); ; sleep(INTERVAL_MILLIS)) {
                if (said()) {
                    return;
                }
            }
        } catch (InterruptedException over) {
            // Nobody waits any more.
        }
    }

    /** Whether there was something to say now. It takes several looks to know who waits in the kernel. */
    boolean said() {
        Optional<String> reason = look();
        if (reason.isPresent()) {
            Messages.warn(subject + ": " + reason.get() + then);
        }
        return reason.isPresent();
    }

    private Optional<String> look() {
        Optional<String> stopped = stopped();
        return stopped.isPresent() ? stopped : inKernel();
    }

    /** Which of its processes is stopped. */
    Optional<String> stopped() {
        awaited.find();
        if (isStopped(awaited.process)) {
            return Optional.of("its " + awaited.role + " is stopped" + remedy(awaited.process));
        }
        if (Awaited.command(awaited.keeper).equals(Awaited.KEEPER) && isStopped(awaited.keeper)) {
            return Optional.of("its keeper is stopped" + remedy(awaited.keeper));
        }
        for (String thread : awaited.threads()) {
            for (String child : Awaited.children(Awaited.task(awaited.process, thread))) {
                if (!child.isEmpty() && isStopped(Long.parseLong(child))) {
                    return Optional.of(
                            "a program of its " + awaited.role + "'s is stopped" + remedy(Long.parseLong(child)));
                }
            }
        }
        return Optional.empty();
    }

    /** A debugger's is not for others to let go. */
    private static String remedy(long pid) {
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(pid));
        boolean traced = stat.isPresent() && stat.get().state() == 't';
        return traced ? " by a debugger (pid " + pid + ")" : " (kill -CONT " + pid + ")";
    }

    static boolean isStopped(long pid) {
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(pid));
        return stat.isPresent() && (stat.get().state() == 'T' || stat.get().state() == 't');
    }

    private Optional<String> inKernel() {
        String[] threads = awaited.threads();
        Arrays.sort(threads);
        for (String thread : threads) {
            Path task = Awaited.task(awaited.process, thread);
            Optional<ProcessStat> stat = ProcessStat.read(task);
            if (stat.isEmpty() || stat.get().state() != 'D') {
                continue;
            }
            String before = waiting;
            waiting = thread + " " + Awaited.text(task.resolve("schedstat"));
            looks = waiting.equals(before) ? looks + 1 : 1;
            String where = Awaited.text(task.resolve("wchan"));
            boolean frozen = where.equals(FROZEN);
            Optional<Long> lock = where.startsWith(ASKING) ? StoppedLock.of(awaited.file) : Optional.empty();
            if (looks < (frozen || lock.isPresent() ? CERTAIN_LOOKS : LONG_LOOKS)) {
                return Optional.empty();
            }
            String who = "its " + awaited.role + " (pid " + awaited.process + ") waits ";
            if (lock.isPresent()) {
                return Optional.of(who + "for pid " + lock.get() + " (" + StoppedLock.COMMAND + "), which is stopped"
                        + remedy(lock.get()));
            }
            String what = who + "in the kernel" + (where.isEmpty() || where.equals("0") ? "" : " (" + where + ")");
            if (frozen) {
                String place = awaited.mountPoint.isEmpty() ? "MOUNTPOINT" : awaited.mountPoint;
                what += ": the file system of " + awaited.file + " seems to be frozen (fsfreeze -u " + place + ")";
            }
            return Optional.of(what);
        }
        waiting = "";
        return Optional.empty();
    }
}
