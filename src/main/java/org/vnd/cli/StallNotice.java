package org.vnd.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;

/**
 * Says, once, on standard error what holds up the daemon of a disk that a command has been waiting for for a few seconds: who
 * of its processes is stopped, or waits in the kernel. Of one that works there is nothing to say.
 */
final class StallNotice extends Thread {
    static final long FIRST_LOOK_MILLIS = 2000;
    static final long INTERVAL_MILLIS = 500;
    private static final String KEEPER = "vnd-keeper";
    private static final String LOCK_DESCRIPTOR = "5";
    /** Where one waits who wants to change a frozen file system: include/linux/fs.h, sb_start_write. */
    private static final String FROZEN = "percpu_rwsem_wait";

    /** So often somebody is seen to wait there who hasn't run in between, until it is said. */
    private static final int FROZEN_LOOKS = 3;
    /** The same of a wait that may be for a slow disk. */
    private static final int LONG_LOOKS = 20;

    private final StateDirectory state;
    private final Unit unit;
    /** What is said after what holds it up: what becomes of the command. */
    private final String then;

    private long daemon;
    private long keeper;
    private String mountPoint = "";
    private String file = "";
    /** The thread that waited in the kernel at the last look, how often it had run, and how many looks it hasn't since. */
    private String waiting = "";

    private int looks;

    /** About {@code unit}, of which {@code record} is known, if anything is; said with {@code then} at the end. */
    StallNotice(StateDirectory state, Unit unit, Optional<UnitRecord> record, String then) {
        super("vnd-stall");
        setDaemon(true);
        this.state = state;
        this.unit = unit;
        this.then = then;
        learn(record);
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
            Messages.warn(unit.name() + ": " + reason.get() + then);
        }
        return reason.isPresent();
    }

    /** Who they are: known as long as the daemon has a record, and needed when it has none any more. */
    private void learn(Optional<UnitRecord> known) {
        if (known.isEmpty() || !isDaemon(known.get().pid())) {
            return;
        }
        UnitRecord record = known.get();
        daemon = record.pid();
        file = record.file();
        mountPoint = record.place().mountPoint();
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(daemon));
        if (stat.isPresent()) {
            keeper = stat.get().parent();
        }
    }

    /**
     * Whether {@code pid} is a daemon's of this unit: that has the unit's lock, by this number (native/keeper.c). At first the
     * record may be that of a disk that crashed earlier, and its process id a stranger's by now.
     */
    private boolean isDaemon(long pid) {
        try {
            Path lockFile = state.lockFile(unit);
            return Files.readSymbolicLink(ProcessStat.folder(pid).resolve("fd").resolve(LOCK_DESCRIPTOR))
                    .equals(state.path().toRealPath().resolve(lockFile.getFileName()));
        } catch (IOException ended) {
            return false;
        }
    }

    private Optional<String> look() {
        try {
            if (!isDaemon(daemon)) {
                daemon = 0;
                learn(UnitRecord.read(state.record(unit)));
            }
        } catch (IOException unreadable) {
            // Then it can't be told.
        }
        Optional<String> stopped = stopped();
        return stopped.isPresent() ? stopped : inKernel();
    }

    /** Which of its processes is stopped. */
    Optional<String> stopped() {
        if (isStopped(daemon)) {
            return Optional.of("its daemon is stopped" + remedy(daemon));
        }
        Optional<ProcessStat> parent = ProcessStat.read(ProcessStat.folder(keeper));
        if (parent.isPresent() && parent.get().command().equals(KEEPER) && isStopped(keeper)) {
            return Optional.of("its keeper is stopped" + remedy(keeper));
        }
        for (String thread : threads()) {
            for (String child : text(task(thread).resolve("children")).split(" ")) {
                if (!child.isEmpty() && isStopped(Long.parseLong(child))) {
                    return Optional.of("a program of its daemon's is stopped" + remedy(Long.parseLong(child)));
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

    private static boolean isStopped(long pid) {
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(pid));
        return stat.isPresent() && (stat.get().state() == 'T' || stat.get().state() == 't');
    }

    private Optional<String> inKernel() {
        for (String thread : threads()) {
            Optional<ProcessStat> stat = ProcessStat.read(task(thread));
            if (stat.isEmpty() || stat.get().state() != 'D') {
                continue;
            }
            String before = waiting;
            waiting = thread + " " + text(task(thread).resolve("schedstat"));
            looks = waiting.equals(before) ? looks + 1 : 1;
            String where = text(task(thread).resolve("wchan"));
            boolean frozen = where.equals(FROZEN);
            if (looks < (frozen ? FROZEN_LOOKS : LONG_LOOKS)) {
                return Optional.empty();
            }
            String what = "its daemon (pid " + daemon + ") waits in the kernel"
                    + (where.isEmpty() || where.equals("0") ? "" : " (" + where + ")");
            if (frozen) {
                String place = mountPoint.isEmpty() ? "MOUNTPOINT" : mountPoint;
                what += ": the file system of " + file + " seems to be frozen (fsfreeze -u " + place + ")";
            }
            return Optional.of(what);
        }
        waiting = "";
        return Optional.empty();
    }

    private String[] threads() {
        String[] threads = new File("/proc/" + daemon + "/task").list();
        if (threads == null) {
            return new String[0];
        }
        Arrays.sort(threads);
        return threads;
    }

    private Path task(String thread) {
        return ProcessStat.folder(daemon).resolve("task").resolve(thread);
    }

    private static String text(Path path) {
        try {
            return Files.readString(path, StandardCharsets.ISO_8859_1).strip();
        } catch (IOException unreadable) {
            return "";
        }
    }
}
