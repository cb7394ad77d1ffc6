package org.vnd.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.EndHook;
import org.vnd.control.ImagePlace;
import org.vnd.control.LineReader;
import org.vnd.control.Reason;
import org.vnd.control.RecoveryArguments;
import org.vnd.control.ReportLine;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;
import org.vnd.control.UnitStatus;

/** {@code --recover}: puts the files of disks that crashed back in order, and forgets the disks. */
final class RecoverCommand {
    private final Invocation invocation;
    private final StateDirectory state;
    private final List<Unit> units;
    private final List<UnitStatus> statuses = new ArrayList<>();
    private int exitStatus;

    RecoverCommand(Invocation invocation) throws IOException {
        this.invocation = invocation;
        this.state = StateDirectory.ofThisUser();
        this.units = state.units();
        for (Unit unit : units) {
            statuses.add(status(unit));
        }
    }

    /** One that can't be looked at is none to recover, and has been told. */
    private UnitStatus status(Unit unit) {
        try {
            return UnitStatus.of(state, unit);
        } catch (IOException unreadable) {
            complain(Reason.withFile(unreadable));
            return new UnitStatus(UnitStatus.Kind.CHANGING, Optional.empty(), "");
        }
    }

    int run() throws ProgramException, IOException {
        LeftNames.remove(state);
        if (invocation.operands.isEmpty()) {
            recoverAll();
        }
        List<String> files = new ArrayList<>();
        for (String operand : invocation.operands) {
            Optional<Unit> unit = DeviceName.parse(operand);
            String file = ImageFile.absolute(operand);
            // A file may be called vnd0; but what has that name in /dev/vnd is a unit, also when it leads nowhere.
            if (unit.isPresent() && !Files.isRegularFile(Path.of(file)) && !Files.isDirectory(Path.of(file))) {
                recoverUnit(unit.get());
            } else if (!recoverUnitsOf(file)) {
                files.add(file);
            }
        }
        if (!files.isEmpty()) {
            ProcessBuilder recovery = new ProcessBuilder(Installation.find().recovery(files));
            Process process = recovery.directory(Installation.WORKING_DIRECTORY)
                    .inheritIO()
                    .start();
            StallNotice notice = new StallNotice(
                    String.join(", ", files), AwaitedChild.recovery(process, files), StallNotice.WAITING);
            notice.start();
            exitStatus = Math.max(exitStatus, KeeperEnd.await(process));
            notice.interrupt();
        }
        // What was killed before it had a record has left a folder of which no file is known.
        for (int i = 0; i < units.size(); i++) {
            if (statuses.get(i).kind() == UnitStatus.Kind.FREE) {
                tidy(state, units.get(i));
            }
        }
        return exitStatus;
    }

    private void recoverAll() throws ProgramException, IOException {
        boolean none = true;
        for (int i = 0; i < units.size(); i++) {
            switch (statuses.get(i).kind()) {
                case CRASHED:
                    recover(units.get(i), "");
                    none = false;
                    break;
                case UNREADABLE:
                    complain(statuses.get(i).problem() + howToGiveUp(units.get(i)));
                    none = false;
                    break;
                case FREE:
                case CHANGING:
                case ATTACHED:
                    break;
            }
        }
        if (none) {
            Messages.out("no disk has crashed\n");
        }
    }

    private void recoverUnit(Unit unit) throws ProgramException, IOException {
        UnitStatus status = UnitStatus.of(state, unit);
        switch (status.kind()) {
            case CRASHED:
                recover(unit, "");
                break;
            case UNREADABLE:
                complain(status.problem() + howToGiveUp(unit));
                break;
            case FREE:
                Messages.out(unit.name() + ": nothing to recover\n");
                break;
            case CHANGING:
                complain(unit.name() + ": nothing to recover: it is being attached or detached");
                break;
            case ATTACHED:
                complain(unit.name() + ": nothing to recover: it is attached (pid "
                        + status.record().orElseThrow().pid() + ")");
                break;
        }
    }

    /** Recovers the units whose image {@code file} is, on whatever path; false if there is none. */
    private boolean recoverUnitsOf(String file) throws ProgramException, IOException {
        boolean found = false;
        for (int i = 0; i < units.size(); i++) {
            if (statuses.get(i).kind() == UnitStatus.Kind.CRASHED
                    && isImage(file, statuses.get(i).record().orElseThrow())) {
                recover(units.get(i), file);
                found = true;
            }
        }
        return found;
    }

    private static boolean isImage(String file, UnitRecord disk) {
        ImagePlace place = disk.place();
        try {
            if (place.inode() == 0) {
                return file.equals(disk.file()) || Files.isSameFile(Path.of(file), Path.of(disk.file()));
            }
            long device = (Long) Files.getAttribute(Path.of(file), "unix:dev");
            // makedev(3)
            long major = (device >>> 8 & 0xFFF) | (device >>> 32 & ~0xFFFL);
            long minor = (device & 0xFF) | (device >>> 12 & 0xFFFFFF00L);
            return (Long) Files.getAttribute(Path.of(file), "unix:ino") == place.inode()
                    && major == place.deviceMajor()
                    && minor == place.deviceMinor();
        } catch (IOException gone) {
            // Then it is asked for by the name that it had.
            return file.equals(disk.file());
        }
    }

    private void recover(Unit unit, String file) throws ProgramException, IOException {
        exitStatus = Math.max(exitStatus, recover(state, unit, file, false));
    }

    private void complain(String line) {
        Messages.warn(line);
        exitStatus = 1;
    }

    /** Behind the line that says why a unit can't be recovered. */
    static String howToGiveUp(Unit unit) {
        return " (vndconfig -u -F " + unit.name() + " gives the disk up)";
    }

    /**
     * Recovers {@code unit}, whose daemon has ended, and forgets it; its exit status, after what there was to say.
     *
     * @param file where its image is now; empty if that isn't known
     * @param givesUp whether it is to be forgotten whatever comes of it
     */
    static int recover(StateDirectory state, Unit unit, String file, boolean givesUp)
            throws ProgramException, IOException {
        Installation installation = Installation.find();
        List<String> recovery = installation.recovery(RecoveryArguments.words(file, givesUp));
        ProcessBuilder keeper =
                new ProcessBuilder(installation.keeper(state, List.of("--unit", unit.name()), recovery));
        keeper.directory(Installation.WORKING_DIRECTORY);
        keeper.redirectInput(new File("/dev/null")).redirectError(ProcessBuilder.Redirect.INHERIT);
        Process process = keeper.start();
        StallNotice notice =
                new StallNotice(unit.name(), AwaitedChild.recovery(process, state.record(unit)), StallNotice.WAITING);
        notice.start();
        try {
            return follow(process, state, unit);
        } finally {
            notice.interrupt();
        }
    }

    /** Says what the recovery of {@code unit} has to say; its exit status. */
    private static int follow(Process process, StateDirectory state, Unit unit) throws ProgramException, IOException {
        LineReader lines = new LineReader(process.getInputStream(), ReportLine.MAX_BYTES);
        while (lines.next()) {
            ReportLine line = ReportLine.parse(lines.line());
            if (line.kind() == ReportLine.Kind.READY) {
                KeeperEnd.await(process);
                Messages.out(line.text() + "\n");
                return 0;
            }
            if (line.kind() == ReportLine.Kind.ERROR) {
                KeeperEnd.await(process);
                Messages.warn(line.text());
                return 1;
            }
        }
        KeeperEnd.await(process);
        EndHook.awaitSharedSignal();
        Messages.warn(unit.name() + ": the recovery ended without a word (see " + state.log(unit) + ")");
        return 1;
    }

    /** Removes the folder of a unit that has neither a keeper nor a record. */
    static void tidy(StateDirectory state, Unit unit) throws ProgramException, IOException {
        if (Files.exists(state.folder(unit)) && UnitStatus.of(state, unit).kind() == UnitStatus.Kind.FREE) {
            clean(state, unit);
        }
    }

    /** Removes what an ended disk left in the state folder, unless the unit is in use again. */
    private static void clean(StateDirectory state, Unit unit) throws ProgramException, IOException {
        Installation installation = Installation.find();
        ProcessBuilder keeper = new ProcessBuilder(installation.cleaner(state, unit));
        File nothing = new File("/dev/null");
        keeper.directory(Installation.WORKING_DIRECTORY);
        keeper.redirectInput(nothing).redirectOutput(nothing).redirectError(nothing);
        KeeperEnd.await(keeper.start());
    }
}
