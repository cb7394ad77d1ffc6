package org.vnd.daemon;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.vnd.control.Commitment;
import org.vnd.control.Reporter;
import org.vnd.sys.Errno;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.abi.PollFd;

/** Waits until the one who asked for the disk no longer reads its reports, and ends the disk if he hasn't taken it. */
final class Asker extends Thread {
    private final int reportDescriptor;
    private final Reporter reporter;
    private final Path unitDirectory;

    Asker(int reportDescriptor, Reporter reporter, Path unitDirectory) {
        super("vnd-asker");
        setDaemon(true);
        this.reportDescriptor = reportDescriptor;
        this.reporter = reporter;
        this.unitDirectory = unitDirectory;
    }

    @Override
    public void run() {
        try {
            awaitGone();
            if (Commitment.decide(unitDirectory)) {
                Log.line("the one who asked for the disk has gone without it: detaching");
                System.exit(0);
            }
            reporter.close();
        } catch (IOException e) {
            Log.line("it is not known whether the disk was taken, so it stays: " + e);
        }
    }

    /** The writing end of a pipe has an error when there is no reading end, poll(2). */
    private void awaitGone() throws IOException {
        ByteBuffer pollFd = Libc.struct(PollFd.SIZE_BYTES).putInt(PollFd.FD_OFFSET, reportDescriptor);
        try {
            int result;
            do {
                result = SocketCalls.poll(Libc.address(pollFd), 1, -1);
            } while (result == 0 || result == -Errno.EINTR);
            Libc.check(result, "poll", "descriptor " + reportDescriptor);
        } finally {
            Reference.reachabilityFence(pollFd);
        }
    }
}
