package org.vnd.daemon;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.vnd.control.Reason;
import org.vnd.engine.Gate;
import org.vnd.export.KernelDevice;
import org.vnd.image.AttachedImage;
import org.vnd.image.ImageLock;
import org.vnd.sys.ThreadCalls;

/**
 * Looks at the image's layout lock for as long as the disk is attached. When it is gone, requests wait while the map is
 * read again: unchanged, it is locked anew and they go on; changed, the disk fails. Never a write through a stale map.
 *
 * <p>The disk's device is looked after by a thread of its own, and made to fail by another: what is asked of the kernel there
 * may wait for requests of that device, or for somebody who waits for them, and requests wait for the look at the lock.
 */
final class Watcher implements Runnable {
    /** Once a second: an intruder waits lease-break-time, 45 s by default, before the file is his. */
    private static final long INTERVAL_NANOS = 1_000_000_000L;

    /** More often where lease-break-time is short, which others may change at any time: a look is good for half of it. */
    private static final int LOOKS_A_BREAK = 4;

    /** How long whoever has the file open may take to close it again, before the disk fails. */
    private static final long TAKE_BACK_NANOS = 20_000_000_000L;

    /** Whoever repeats what he did may do so as often: each time the file is closed to him again at once. */
    private static final long MEND_PAUSE_NANOS = 100_000_000;

    private static final String OTHERS_WAIT =
            "others want to write to its file, and requests that the kernel serves by itself can't wait";

    private static final long PATIENCE_NANOS = 3_000_000_000L;

    private static final long QUIET_POLL_NANOS = 1_000_000;

    /** As of one that was killed, sh(1): so it is taken for. */
    private static final int KILLED_STATUS = 137;

    /** A device that couldn't be failed is tried again so often, as vnd-lock does. */
    private static final long FAIL_RETRY_NANOS = 100_000_000;

    private final AttachedImage image;
    private final Gate gate;
    private final QueueThread queue;
    private final Runnable changed;
    private final Thread thread = new Thread(this, "vnd-watcher");
    private final Thread deviceThread = new Thread(this::watchDevices, "vnd-devices");
    private volatile @Nullable HostDevices devices;
    /** What fails with the disk: the device that was made last. */
    private volatile @Nullable KernelDevice device;
    /** The one that has failed. */
    private volatile @Nullable KernelDevice failedDevice;

    private volatile boolean endingDevices;
    private volatile boolean ending;
    private volatile boolean failedByOthers;
    /** As of the last look. */
    private volatile List<String> notices = List.of();

    /** Whether requests wait for the lock, since when, and for what now. */
    private volatile boolean holds;

    private volatile long heldSinceNanos;
    private volatile String waitsFor = "";
    /** The last that went wrong with what is done again and again. */
    private String defect = "";

    /**
     * A watcher that doesn't look yet.
     *
     * @param changed is told, on one of the watcher's threads, that the disk has failed, as the gate says by then, or that
     *     {@link #notices} or the device's names are others than before, or that requests wait for the lock, or don't any more;
     *     may not wait
     */
    Watcher(AttachedImage image, Gate gate, QueueThread queue, Runnable changed) {
        this.image = image;
        this.gate = gate;
        this.queue = queue;
        this.changed = changed;
    }

    /** Whether the disk has failed because of those who have the image, or want it. */
    boolean failedByOthers() {
        return failedByOthers;
    }

    /** What others have done to the image. */
    List<String> notices() {
        return notices;
    }

    /** Whether requests wait for the lock. */
    boolean holds() {
        return holds;
    }

    /** That they do so for long, after the name of the protection and a colon; empty if they don't. */
    String unheld() {
        boolean late = holds && System.nanoTime() - heldSinceNanos >= PATIENCE_NANOS;
        return late ? "lock: it is to be had back, and requests wait for that: " + waitsFor : "";
    }

    /** Has {@code made}, which is there from now on, fail with the disk; at once, if that has failed already. */
    void failsToo(KernelDevice made) {
        device = made;
        if (gate.state() == Gate.State.FAILED) {
            startFailing();
        }
    }

    /** Looks after {@code devices} too, which came later: their requests need the watcher while they are made. */
    void lookAfter(HostDevices devices) {
        this.devices = devices;
        deviceThread.setDaemon(true);
        deviceThread.start();
    }

    void start() {
        // First: what is told before would be seen a second later.
        image.lock().whenDisturbed(this::disturbed);
        thread.setDaemon(true);
        thread.start();
        image.lock().fence();
    }

    /** At once where others may have its blocks already: whoever looks at the lock may be waiting for what holds it. */
    private void disturbed(boolean byChange) {
        if (ending) {
            return;
        }
        boolean failed = gate.state() == Gate.State.FAILED;
        if (byChange && !failed && image.lock().servedByKernel()) {
            failedByOthers = true;
            fail(OTHERS_WAIT);
        } else if (byChange && !failed) {
            gate.hold();
            queue.wakeUp();
        }
        LockSupport.unpark(thread);
    }

    /** Looks no more; what is going on is finished first. */
    void end() {
        // First, for it may wait for partx: until the lock is let go somebody looks at that.
        endingDevices = true;
        LockSupport.unpark(deviceThread);
        ThreadCalls.join(deviceThread);
        ending = true;
        LockSupport.unpark(thread);
        ThreadCalls.join(thread);
    }

    @Override
    public void run() {
        try {
            watch();
        } catch (RuntimeException | Error e) {
            // Unwatched, requests would wait for ever.
            Log.line(Reason.ofDefect(e));
            fail("its layout lock can't be watched any more: " + e);
        }
        if (gate.state() == Gate.State.FAILED) {
            afterFailure();
        }
    }

    private void watch() {
        ImageLock lock = image.lock();
        while (!ending && gate.state() != Gate.State.FAILED) {
            long before = System.nanoTime();
            // Before the look: what is in force when an intruder comes is what was read, or the next look is soon.
            long breakNanos = lock.breakNanos();
            // Or it was shut for a change that the last look at the map has seen already.
            if (!lock.verify() || gate.state() == Gate.State.HELD) {
                takeBack();
            } else {
                gate.verified(before, breakNanos);
                // Always: whether requests have found the gate shut in the meantime can't be told from here.
                queue.wakeUp();
            }
            List<String> seen = lock.notices();
            if (!seen.equals(notices)) {
                notices = seen;
                changed.run();
            }
            queue.lookAtScheduling();
            LockSupport.parkNanos(lookNanos(breakNanos));
        }
    }

    private void watchDevices() {
        HostDevices watched = Objects.requireNonNull(devices);
        try {
            while (!endingDevices && gate.state() != Gate.State.FAILED) {
                String missing = watched.missingName();
                watched.look().ifPresent(this::fail);
                if (!watched.missingName().equals(missing)) {
                    changed.run();
                }
                LockSupport.parkNanos(INTERVAL_NANOS);
            }
        } catch (RuntimeException | Error e) {
            Log.line(Reason.ofDefect(e));
            fail("its block device can't be looked after any more: " + e);
        }
    }

    /**
     * The lock is gone: holds requests, and gets it back if the layout is what it was. What the kernel serves by itself can't
     * be held: it goes on while nobody waits to write to the file, and fails at once, before anything else, when somebody
     * does, because then nothing can be done that wouldn't let him in.
     */
    private void takeBack() {
        gate.hold();
        queue.wakeUp();
        Log.line("the layout lock was taken away: requests wait");
        waitsFor = "what is on its way to the disk, and its file system";
        heldSinceNanos = System.nanoTime();
        holds = true;
        changed.run();
        try {
            tryToTakeBack();
        } finally {
            holds = false;
            changed.run();
        }
    }

    private void tryToTakeBack() {
        ImageLock lock = image.lock();
        long giveUpNanos = System.nanoTime() + TAKE_BACK_NANOS;
        while (true) {
            // Anew: what changes from now on shuts it once more, and isn't opened to by this look.
            Gate.Shut since = gate.hold();
            queue.wakeUp();
            if (!lock.servedByKernel()) {
                // What the kernel serves has to fail first, if it has to.
                lock.held();
            }
            long before = System.nanoTime();
            long breakNanos = lock.breakNanos();
            Optional<String> problem;
            if (!lock.othersWait()) {
                problem = lock.mend();
            } else if (lock.servedByKernel()) {
                problem = Optional.empty();
                failedByOthers = true;
                fail(OTHERS_WAIT);
            } else {
                awaitQuiet();
                problem = lock.relock();
            }
            if (gate.state() == Gate.State.FAILED) {
                return;
            }
            if (problem.isEmpty() && lock.verify()) {
                gate.verified(before, breakNanos);
                if (gate.release(since)) {
                    queue.wakeUp();
                    Log.line("locked again, and the layout is unchanged: requests go on");
                    return;
                }
            }
            boolean late = System.nanoTime() - giveUpNanos >= 0;
            if (problem.isEmpty() && late) {
                problem = Optional.of("it is unlocked by others again and again");
            }
            // Nor can what the kernel serves wait for somebody to go who could do harm; what holds the lock can be had
            // again.
            boolean harmful = lock.servedByKernel() && !lock.unheld();
            boolean hopeless = ending || lock.lost() || harmful || late;
            if (problem.isPresent() && hopeless) {
                failedByOthers = true;
                fail(problem.get());
                return;
            }
            problem.ifPresent(why -> waitsFor = why);
            pause(MEND_PAUSE_NANOS);
        }
    }

    /** As long as that, whoever disturbs. */
    private static void pause(long nanos) {
        long endNanos = System.nanoTime() + nanos;
        for (long left = nanos; left > 0; left = endNanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /**
     * As long as that takes: what is on its way can't be called back. But if others wait, this process is killed in half of the
     * time after which they get the file: by what holds the lock, which is to be there for that, or here.
     */
    private void awaitQuiet() {
        ImageLock lock = image.lock();
        long beganNanos = System.nanoTime();
        long tendedNanos = beganNanos;
        long tendNanos = lookNanos(lock.breakNanos());
        boolean told = false;
        while (!gate.quiet()) {
            LockSupport.parkNanos(QUIET_POLL_NANOS);
            long nowNanos = System.nanoTime();
            if (!told && nowNanos - beganNanos >= PATIENCE_NANOS) {
                told = true;
                Log.line("requests that are on their way to the disk take long: waiting for them");
            }
            if (nowNanos - tendedNanos >= tendNanos) {
                tend();
                tendedNanos = System.nanoTime();
                long breakNanos = lock.breakNanos();
                tendNanos = lookNanos(breakNanos);
                boolean late = tendedNanos - beganNanos >= breakNanos / 2;
                if (late && lock.othersWait() && !lock.servedByKernel()) {
                    Log.line("others want to write to the image, and requests haven't ended in time: the daemon ends");
                    Runtime.getRuntime().halt(KILLED_STATUS);
                }
            }
        }
    }

    /** A defect there would end the thread that looks at the lock. */
    private void tend() {
        try {
            image.lock().tend();
        } catch (RuntimeException | Error e) {
            String now = Reason.ofDefect(e);
            if (!now.equals(defect)) {
                Log.line(now);
            }
            defect = now;
        }
    }

    private static long lookNanos(long breakNanos) {
        return Math.min(INTERVAL_NANOS, breakNanos / LOOKS_A_BREAK);
    }

    /**
     * By either thread; if by both, whoever looks at the disk is told the first reason. The device fails beside it, at once;
     * the disk's owner, who may be busy, does the rest.
     */
    private void fail(String reason) {
        gate.fail(reason);
        queue.wakeUp();
        startFailing();
        changed.run();
        LockSupport.unpark(thread);
    }

    private void startFailing() {
        Thread failing = new Thread(this::failDevice, "vnd-fails");
        failing.setDaemon(true);
        failing.start();
    }

    /** Until it has: what the kernel serves by itself is no disk that has failed as long as it writes. */
    private synchronized void failDevice() {
        String said = "";
        while (!ending) {
            KernelDevice there = device;
            try {
                if (there != null) {
                    there.fail();
                    failedDevice = there;
                }
                if (there != null || !image.lock().servedByKernel()) {
                    return;
                }
                // One is being made.
            } catch (IOException | RuntimeException | Error e) {
                String why = e instanceof IOException ? Reason.withFile(e) : Reason.ofDefect(e);
                if (!why.equals(said)) {
                    Log.line("its block device goes on, and is made to fail again and again: " + why);
                }
                said = why;
                if (there != null && !there.servedByKernel()) {
                    return;
                }
            }
            LockSupport.parkNanos(FAIL_RETRY_NANOS);
        }
    }

    /** Once nothing of the disk writes any more, whoever serves it, what has the lock is told so, and looked at until the end. */
    private void afterFailure() {
        image.lock().held();
        awaitQuiet();
        image.lock().quiet();
        while (!ending) {
            tend();
            KernelDevice there = device;
            if (there == null ? !image.lock().servedByKernel() : there == failedDevice || !there.servedByKernel()) {
                image.lock().failed();
            }
            LockSupport.parkNanos(INTERVAL_NANOS);
        }
    }
}
