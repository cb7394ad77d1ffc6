package org.vnd.cli;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vnd.control.ControlClient;
import org.vnd.control.ControlRequest;
import org.vnd.control.Outcome;
import org.vnd.control.Reason;
import org.vnd.control.ReportLine;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.control.UnitStatus;

/** {@code -u}: asks the daemon to detach, and returns when the unit is free. */
final class DetachCommand implements ControlClient.Listener {
    /** For the end of a daemon and its keeper; a disk that begins has a record by then. */
    private static final long SETTLE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Invocation invocation;
    private final ProgressBar progress = new ProgressBar();

    DetachCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    int run() throws ProgramException, IOException {
        if (invocation.operands.size() != 1 || invocation.hasDiskType) {
            throw ProgramException.usage("");
        }
        String name = invocation.operands.get(0);
        Optional<Unit> parsed = DeviceName.parse(name);
        if (parsed.isEmpty()) {
            throw new ProgramException(name + ": opendisk: " + ErrorText.NO_SUCH_FILE);
        }
        Unit unit = parsed.get();
        StateDirectory state = StateDirectory.ofThisUser();
        LeftNames.remove(state);
        UnitStatus status = UnitStatus.of(state, unit);
        switch (status.kind()) {
            case FREE:
                RecoverCommand.tidy(state, unit);
                throw refused(unit, ErrorText.DEVICE_NOT_CONFIGURED);
            case CRASHED:
                Messages.warn(unit.name() + ": its daemon crashed; recovering "
                        + status.record().orElseThrow().file());
                return recover(state, unit);
            case UNREADABLE:
                if (!invocation.force) {
                    throw new ProgramException(status.problem() + RecoverCommand.howToGiveUp(unit));
                }
                return recover(state, unit);
            case CHANGING:
            case ATTACHED:
                StallNotice notice = new StallNotice(
                        unit.name(), new AwaitedDaemon(state, unit, status.record()), StallNotice.WAITING);
                notice.start();
                int exitStatus = detach(state, unit, notice);
                notice.interrupt();
                return exitStatus;
        }
        throw new AssertionError(status.kind());
    }

    private int recover(StateDirectory state, Unit unit) throws ProgramException, IOException {
        int exitStatus = RecoverCommand.recover(state, unit, "", invocation.force);
        if (exitStatus == 0) {
            announce(unit);
        }
        return exitStatus;
    }

    private int detach(StateDirectory state, Unit unit, StallNotice notice) throws ProgramException, IOException {
        // Opened before the request: the unit may be taken again as soon as it is free, with another lock file.
        try (UnitLock lock = UnitLock.open(state.lockFile(unit))) {
            UnitStatus before = UnitStatus.of(state, unit);
            // Only then is it the lock of the disk that was seen.
            boolean attached = before.kind() == UnitStatus.Kind.ATTACHED && lock.isHeld();
            Outcome outcome = ask(state, unit, notice, lock, attached);
            progress.clear();
            switch (outcome.kind()) {
                case OK:
                    lock.awaitFree();
                    break;
                case BUSY:
                    throw refused(unit, ErrorText.DEVICE_BUSY + " (" + outcome.text() + ")");
                case LATER:
                    Messages.warn(unit.name() + ": in use: " + outcome.text() + "; it is detached when that ends");
                    return 0;
                case ENDED:
                    lock.awaitFree();
                    RecoverCommand.tidy(state, unit);
                    throw new ProgramException(outcome.text());
                case ERROR:
                    throw new ProgramException(outcome.text());
                case LOST:
                    // The keeper still ends, and until then nobody finds that the disk crashed.
                    lock.awaitFree();
                    if (isLeft(before, UnitStatus.of(state, unit))) {
                        throw new ProgramException(unit.name() + ": the daemon ended before it had detached the disk;"
                                + " run vndconfig -u " + unit.name() + " again to recover the file");
                    }
                    // Another's -u, or a signal, was before this one, and the disk ended in order.
                    break;
            }
        } catch (NoSuchFileException ended) {
            throw refused(unit, ErrorText.DEVICE_NOT_CONFIGURED);
        }
        // Its keeper does this; one that was killed can't.
        RecoverCommand.tidy(state, unit);
        announce(unit);
        return 0;
    }

    /** Whether what is known of the unit is of the disk that was there {@code before}: another may have taken it since. */
    private static boolean isLeft(UnitStatus before, UnitStatus now) {
        if (now.record().isEmpty()) {
            return now.kind() == UnitStatus.Kind.UNREADABLE;
        }
        return before.record().isEmpty()
                || before.record().get().pid() == now.record().get().pid();
    }

    private Outcome ask(StateDirectory state, Unit unit, StallNotice notice, UnitLock lock, boolean attached)
            throws ProgramException, IOException {
        try {
            ControlRequest request = invocation.force ? ControlRequest.DETACH_FORCE : ControlRequest.DETACH;
            return ControlClient.ask(state.controlSocket(unit), request, this);
        } catch (IOException nobody) {
            Optional<String> stopped = notice.stopped();
            if (stopped.isPresent()) {
                throw refused(unit, ErrorText.DEVICE_BUSY + " (" + stopped.get() + ")");
            }
            UnitStatus status = settled(state, unit, lock);
            if (attached && status.kind() != UnitStatus.Kind.ATTACHED) {
                return new Outcome(Outcome.Kind.LOST, "");
            }
            if (status.kind() == UnitStatus.Kind.FREE) {
                throw refused(unit, ErrorText.DEVICE_NOT_CONFIGURED);
            }
            if (status.kind() == UnitStatus.Kind.ATTACHED) {
                throw new ProgramException(unit.name() + ": its daemon can't be asked: " + state.controlSocket(unit)
                        + ": " + Reason.of(nobody) + "; kill "
                        + status.record().orElseThrow().pid() + " detaches the disk too");
            }
            throw refused(unit, ErrorText.DEVICE_BUSY + " (it is being attached or detached)");
        }
    }

    /** How the unit is; in the last moments of a disk, which has no record any more then, after these. */
    private static UnitStatus settled(StateDirectory state, Unit unit, UnitLock lock) throws IOException {
        long start = System.nanoTime();
        UnitStatus status = UnitStatus.of(state, unit);
        while (status.kind() == UnitStatus.Kind.CHANGING
                && status.record().isEmpty()
                && lock.isHeld()
                && System.nanoTime() - start < SETTLE_NANOS) {
            LockSupport.parkNanos(POLL_NANOS);
            status = UnitStatus.of(state, unit);
        }
        return status;
    }

    @Override
    public void line(ReportLine line) {
        if (line.kind() == ReportLine.Kind.PROGRESS) {
            progress.show(line);
        } else if (invocation.verbose) {
            progress.clear();
            Messages.warn(line.text());
        }
    }

    private void announce(Unit unit) throws ProgramException {
        if (invocation.verbose) {
            Messages.out(unit.name() + ": cleared\n");
        }
    }

    private static ProgramException refused(Unit unit, String why) {
        return new ProgramException(unit.name() + ": VNDIOCCLR: " + why);
    }
}
