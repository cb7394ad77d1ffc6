package org.vnd.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.vnd.control.Commitment;
import org.vnd.control.DaemonArguments;
import org.vnd.control.EndHook;
import org.vnd.control.PendingDetach;
import org.vnd.control.Reason;
import org.vnd.control.Reporter;
import org.vnd.control.UnitRecord;
import org.vnd.image.StillLockedException;
import org.vnd.sys.DescriptorOutputStream;

/**
 * The daemon of one disk, {@code vndd}. Started by the keeper; see {@link DaemonArguments} for its arguments.
 *
 * <p>Its exit status 0 says that nothing was left behind: the disk was detached, or there never was one. After anything else
 * the unit's folder stays for recovery. A signal ends the disk in order, whoever is connected.
 */
public final class Main {
    /** The exit status when there is something left behind, and it was reported: native/keeper.c, REPORTED. */
    static final int REPORTED = 2;

    private final DaemonArguments arguments;
    private final CompletableFuture<Optional<Disk>> attached = new CompletableFuture<>();
    private volatile boolean ending;
    /** There is no disk, but what this one or the unit's last one has left is for the recovery. */
    private volatile boolean leftBehind;

    private Main(DaemonArguments arguments) {
        this.arguments = arguments;
    }

    /** Attaches, says so, and serves until it is told to end. */
    public static void main(String[] words) {
        Main main = new Main(DaemonArguments.parse(words));
        EndHook.add(new Thread(main::endInOrder, "vnd-end"));
        try {
            main.run();
        } catch (RuntimeException | Error e) {
            // There is no disk, or its owner has given up.
            Log.line(Reason.ofDefect(e));
        }
        // By way of endInOrder.
        System.exit(0);
    }

    private void run() {
        // Closed when it is known whether the disk was taken, or by the end of this process.
        Reporter reporter = new Reporter(new DescriptorOutputStream(arguments.reportDescriptor()));
        Optional<Disk> made = Optional.empty();
        try {
            made = attach(reporter);
        } catch (IOException gone) {
            Log.line("the one who asked for the disk is gone");
        } finally {
            attached.complete(made);
        }
        if (made.isEmpty()) {
            return;
        }
        Disk disk = made.get();
        try {
            reporter.ready(disk.announcement());
        } catch (IOException | RuntimeException | Error e) {
            disk.tellToEnd();
            Log.line(
                    e instanceof IOException
                            ? "the one who asked for the disk is gone: detaching"
                            : Reason.ofDefect(e));
        } finally {
            // Whatever became of that: nobody but its owner, who is this thread, can end it in order.
            disk.run();
        }
    }

    /** The disk, or nothing when the error has been reported. */
    private Optional<Disk> attach(Reporter reporter) throws IOException {
        // Before anything can fail: the folder may be one that a crash has left.
        leftBehind = EarlierDisk.isThere(arguments);
        List<String> unprotected = new ArrayList<>(UnitRecord.unprotectedOf(environment("VND_UNPROTECTED")));
        LockedMemory.lock().ifPresent(why -> unprotected.add("locked memory: " + why));
        try {
            PendingDetach.delete(arguments.unitDirectory());
            Commitment.open(arguments.unitDirectory());
            new Asker(arguments.reportDescriptor(), reporter, arguments.unitDirectory()).start();
            if (arguments.listenDescriptor().isPresent()) {
                InheritedSocket.requireListening(arguments.listenDescriptor().get());
            }
            AttachReport report = new AttachReport(reporter, () -> ending);
            EarlierDisk.recover(arguments, report);
            leftBehind = false;
            return Optional.of(DiskAttach.attach(arguments, report, unprotected));
        } catch (EarlierDiskException e) {
            reporter.stays(String.valueOf(e.getMessage()));
            return Optional.empty();
        } catch (IOException e) {
            if (e instanceof StillLockedException) {
                leftBehind = true;
            }
            reporter.error(Reason.withFile(e));
            return Optional.empty();
        } catch (RuntimeException | Error e) {
            Log.line(Reason.ofDefect(e));
            reporter.error("a defect in the daemon: " + e);
            return Optional.empty();
        }
    }

    /** The last thing this process does, also after a signal: which may come while the disk is being attached. */
    private void endInOrder() {
        ending = true;
        try {
            // Who hasn't taken it by now gets none.
            Commitment.decide(arguments.unitDirectory());
        } catch (IOException e) {
            Log.line("the end goes on: " + e);
        }
        Optional<Disk> disk = attached.join();
        int status = leftBehind ? REPORTED : 0;
        if (disk.isPresent()) {
            status = status(disk.get()::end);
        }
        // After a signal the JVM would end with a status that says so, and the keeper would take it for a crash.
        Runtime.getRuntime().halt(status);
    }

    /** Of a process whose disk {@code end} ends, and says whether nothing was left behind: after a defect nobody knows. */
    static int status(BooleanSupplier end) {
        try {
            return end.getAsBoolean() ? 0 : 1;
        } catch (RuntimeException | Error e) {
            Log.line(Reason.ofDefect(e));
            return 1;
        }
    }

    private static String environment(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }
}
