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
 * Says, once, on standard error what holds up the process that a command has been waiting for for a few seconds, a daemon or a
 * recovery: which one is stopped, or waits in the kernel. Of one that works there is nothing to say.
 */
final class StallNotice extends Thread {
    /** What becomes of most commands. */
    static final String WAITING = "; waiting until it goes on";

    static final long FIRST_LOOK_MILLIS = 2000;
    static final long INTERVAL_MILLIS = 500;
    private static final String KEEPER = "vnd-keeper";
    private static final String HANDOFF = "vnd-handoff";
    private static final String LOCK_DESCRIPTOR = "5";
    /** Where one waits who wants to change a frozen file system: include/linux/fs.h, sb_start_write. */
    private static final String FROZEN = "percpu_rwsem_wait";

    /** So often somebody is seen to wait there who hasn't run in between, until it is said. */
    private static final int FROZEN_LOOKS = 3;
    /** The same of a wait that may be for a slow disk. */
    private static final int LONG_LOOKS = 20;

    /** What it is about. */
    private final String subject;
    /** Of the unit, if it is about one. */
    private final Optional<Path> recordFile;

    private final Optional<Path> lockFile;
    /** Below which the process is found that is waited for; if there is none, the unit's record tells. */
    private final Optional<Process> started;
    /** What is said after what holds it up: what becomes of the command. */
    private final String then;

    private long daemon;
    private long keeper;
    private String mountPoint = "";
    private String file = "";
    /** The thread that waited in the kernel at the last look, how often it had run, and how many looks it hasn't since. */
    private String waiting = "";

    private int looks;

    /** About the daemon of {@code unit}, of which {@code record} is known, if anything is; said with {@code then} at the end. */
    StallNotice(StateDirectory state, Unit unit, Optional<UnitRecord> record, String then) {
        this(unit.name(), Optional.of(state.record(unit)), Optional.of(state.lockFile(unit)), Optional.empty(), then);
        learn(record);
    }

    /** About what {@code started}, a keeper or what stands before it, has somebody do for {@code unit}. */
    StallNotice(StateDirectory state, Unit unit, Process started, String then) {
        this(
                unit.name(),
                Optional.of(state.record(unit)),
                Optional.of(state.lockFile(unit)),
                Optional.of(started),
                then);
    }

    /** About what {@code started} does for {@code file}. */
    StallNotice(String file, Process started, String then) {
        this(file, Optional.empty(), Optional.empty(), Optional.of(started), then);
        this.file = file;
    }

    private StallNotice(
            String subject,
            Optional<Path> recordFile,
            Optional<Path> lockFile,
            Optional<Process> started,
            String then) {
        super("vnd-stall");
        setDaemon(true);
        this.subject = subject;
        this.recordFile = recordFile;
        this.lockFile = lockFile;
        this.started = started;
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

    /** Who they are: known as long as the daemon has a record, and needed when it has none any more. */
    private void learn(Optional<UnitRecord> known) {
        if (known.isEmpty() || !isDaemon(known.get().pid())) {
            return;
        }
        daemon = known.get().pid();
        learnPlace(known.get());
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(daemon));
        if (stat.isPresent()) {
            keeper = stat.get().parent();
        }
    }

    private void learnPlace(UnitRecord record) {
        file = record.file();
        mountPoint = record.place().mountPoint();
    }

    /** Who they are, below the process {@code topmost}. */
    private void descend(long topmost) {
        daemon = topmost;
        keeper = 0;
        String command = command(daemon);
        while (command.equals(KEEPER) || command.equals(HANDOFF)) {
            keeper = command.equals(KEEPER) ? daemon : keeper;
            String child = children(task(Long.toString(daemon)))[0];
            daemon = child.isEmpty() ? 0 : Long.parseLong(child);
            command = command(daemon);
        }
    }

    private static String command(long pid) {
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(pid));
        return stat.isPresent() ? stat.get().command() : "";
    }

    /**
     * Whether {@code pid} is a daemon's of this unit: that has the unit's lock, by this number (native/keeper.c). At first the
     * record may be that of a disk that crashed earlier, and its process id a stranger's by now.
     */
    private boolean isDaemon(long pid) {
        try {
            Path lock = lockFile.orElseThrow();
            Path state = lock.toAbsolutePath().getParent();
            return state != null
                    && Files.readSymbolicLink(
                                    ProcessStat.folder(pid).resolve("fd").resolve(LOCK_DESCRIPTOR))
                            .equals(state.toRealPath().resolve(lock.getFileName()));
        } catch (IOException ended) {
            return false;
        }
    }

    private Optional<UnitRecord> record() throws IOException {
        return recordFile.isPresent() ? UnitRecord.read(recordFile.get()) : Optional.empty();
    }

    private Optional<String> look() {
        try {
            if (started.isPresent()) {
                descend(started.get().pid());
                Optional<UnitRecord> record = record();
                if (record.isPresent()) {
                    learnPlace(record.get());
                }
            } else if (!isDaemon(daemon)) {
                daemon = 0;
                learn(record());
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
            for (String child : children(task(thread))) {
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

    /** Those of a thread; one that is empty if there are none. */
    private static String[] children(Path task) {
        return text(task.resolve("children")).split(" ");
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
