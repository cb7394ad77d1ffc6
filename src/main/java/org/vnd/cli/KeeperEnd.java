package org.vnd.cli;

/** With {@code --foreground}: when this program is ended, the disk is detached first. */
final class KeeperEnd extends Thread {
    private final Process keeper;

    KeeperEnd(Process keeper) {
        this.keeper = keeper;
    }

    @Override
    public void run() {
        // ^C reached the daemon as well; it takes a second request to end for what it is.
        // By its handle: Process.destroy would close the stream that its last word comes through.
        keeper.toHandle().destroy();
        await(keeper);
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
