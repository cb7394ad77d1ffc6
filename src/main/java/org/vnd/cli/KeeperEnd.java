package org.vnd.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.vnd.control.Commitment;
import org.vnd.control.PendingDetach;

/**
 * What a signal to this program (^C, SIGTERM, SIGHUP) means for the disk that it attaches. Until the disk is taken it is taken
 * back, and the exit status is the signal's, as of any program; afterwards it is there and the signal came too late. With
 * {@code --foreground} it is then detached, and the exit status says whether that was done.
 */
final class KeeperEnd extends Thread {
    private final boolean foreground;
    private Optional<Process> keeper = Optional.empty();
    private boolean ending;
    private boolean taken;
    /** Who says why it takes long to take the disk back, once the unit is known. */
    private Optional<StallNotice> notice = Optional.empty();
    /** The folder of the unit, which tells who still uses the disk; known as soon as the notice is. */
    private Path unitFolder = Path.of("/");

    /** Of a disk that lives as long as this program if {@code foreground}. */
    KeeperEnd(boolean foreground) {
        this.foreground = foreground;
    }

    /** Starts the keeper, or what stands before it: after a signal nothing is started any more. */
    synchronized Process start(ProcessBuilder command) throws IOException {
        standBack();
        Process started = command.start();
        // Another one's, if this isn't the first.
        notice = Optional.empty();
        keeper = Optional.of(started);
        return started;
    }

    /** {@code stalled} says what it has to, if the disk can't be taken back for now; nobody is kept waiting for that. */
    synchronized void explain(StallNotice stalled, Path folder) {
        unitFolder = folder;
        notice = Optional.of(stalled);
    }

    /** Takes the disk, about which all was said. False if its daemon has taken it back. */
    synchronized boolean take(Path unitFolder) throws IOException {
        standBack();
        taken = Commitment.decide(unitFolder);
        return taken;
    }

    /** Returns, unless a signal has decided: then what the caller would say is of no interest any more. */
    synchronized void standBack() {
        while (ending) {
            try {
                wait();
            } catch (InterruptedException ignored) {
                // Nobody interrupts threads of this program; its end is what is waited for.
            }
        }
    }

    @Override
    public void run() {
        Process process;
        Optional<StallNotice> stalled;
        synchronized (this) {
            ending = true;
            stalled = notice;
            if (taken && !foreground) {
                Runtime.getRuntime().halt(0);
            }
            if (keeper.isEmpty()) {
                return;
            }
            process = keeper.get();
        }
        // ^C reached the daemon as well if there is no vnd-handoff; it takes a second request to end for what it is.
        // By its handle: Process.destroy would close the stream that its last word comes through.
        process.toHandle().destroy();
        if (ended(process, stalled) && taken) {
            Runtime.getRuntime().halt(process.exitValue() == 0 ? 0 : 1);
        }
    }

    /** False if it will end some day, and the user was told for what that waits. */
    private boolean ended(Process process, Optional<StallNotice> stalled) {
        boolean inUse = false;
        long millis = StallNotice.FIRST_LOOK_MILLIS;
        while (stalled.isPresent()) {
            try {
                if (process.waitFor(millis, TimeUnit.MILLISECONDS)) {
                    return true;
                }
            } catch (InterruptedException ignored) {
                // Nobody interrupts threads of this program.
            }
            if (stalled.get().said()) {
                return false;
            }
            if (!inUse && saidWhoUsesIt()) {
                inUse = true;
                if (!foreground) {
                    return false;
                }
            }
            millis = StallNotice.INTERVAL_MILLIS;
        }
        await(process);
        return true;
    }

    /** Whether somebody uses the disk's device, which stays as long; the user was told who. */
    private boolean saidWhoUsesIt() {
        String who;
        try {
            who = PendingDetach.read(unitFolder);
        } catch (IOException unreadable) {
            return false;
        }
        if (!who.isEmpty()) {
            Messages.warn(unitFolder.getFileName() + ": " + who + "; it is detached when that ends");
        }
        return !who.isEmpty();
    }

    /** Waits for the end of {@code process}; its exit status. */
    static int await(Process process) {
        while (true) {
            try {
                return process.waitFor();
            } catch (InterruptedException ignored) {
                // Nobody interrupts threads of this program; the process is what is waited for.
            }
        }
    }
}
