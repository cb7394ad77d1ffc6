package org.vnd.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.vnd.control.Commitment;

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

    /** Of a disk that lives as long as this program if {@code foreground}. */
    KeeperEnd(boolean foreground) {
        this.foreground = foreground;
    }

    /** Starts the keeper, or what stands before it: after a signal nothing is started any more. */
    synchronized Process start(ProcessBuilder command) throws IOException {
        standBack();
        Process started = command.start();
        keeper = Optional.of(started);
        return started;
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
        synchronized (this) {
            ending = true;
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
        int status = await(process);
        if (taken) {
            Runtime.getRuntime().halt(status == 0 ? 0 : 1);
        }
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
