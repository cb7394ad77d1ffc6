package org.vnd.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitStatus;

/** {@code --recover}: puts the files of disks that crashed back in order, and forgets the disks. */
final class RecoverCommand {
    private final Invocation invocation;

    RecoverCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    int run() throws ProgramException, IOException {
        StateDirectory state = StateDirectory.ofThisUser();
        LeftNames.remove(state);
        List<String> files = new ArrayList<>();
        for (String operand : invocation.operands) {
            files.add(ImageFile.absolute(operand));
        }
        List<Unit> readable = new ArrayList<>();
        List<Unit> crashed = new ArrayList<>();
        for (Unit unit : state.units()) {
            Optional<UnitStatus> status = status(state, unit);
            if (status.isEmpty()) {
                continue;
            }
            readable.add(unit);
            if (status.get().kind() != UnitStatus.Kind.CRASHED) {
                continue;
            }
            String file = status.get().record().orElseThrow().file();
            if (invocation.operands.isEmpty()) {
                files.add(file);
                crashed.add(unit);
            } else if (isOneOf(file, files)) {
                crashed.add(unit);
            }
        }
        int exitStatus = 0;
        if (files.isEmpty()) {
            Messages.out("no disk has crashed\n");
        } else {
            exitStatus = recover(state, crashed, files);
        }
        if (exitStatus == 0) {
            for (Unit unit : crashed) {
                clean(state, unit);
            }
            // What was killed before it had a record has left a folder of which no file is known.
            for (Unit unit : readable) {
                tidy(state, unit);
            }
        }
        return exitStatus;
    }

    private static Optional<UnitStatus> status(StateDirectory state, Unit unit) {
        try {
            return Optional.of(UnitStatus.of(state, unit));
        } catch (IOException unreadable) {
            Messages.warn(state.record(unit) + ": " + ErrorText.of(unreadable));
            return Optional.empty();
        }
    }

    private static boolean isOneOf(String file, List<String> files) {
        for (String other : files) {
            try {
                if (file.equals(other) || Files.isSameFile(Path.of(file), Path.of(other))) {
                    return true;
                }
            } catch (IOException gone) {
                // Then it isn't this one.
            }
        }
        return false;
    }

    /** Runs the recovery of {@code files} and of what {@code crashed} have left, which speaks for itself; its exit status. */
    static int recover(StateDirectory state, List<Unit> crashed, List<String> files)
            throws ProgramException, IOException {
        Installation installation = Installation.find();
        List<String> arguments = new ArrayList<>();
        for (Unit unit : crashed) {
            arguments.add("--unit-directory");
            arguments.add(state.folder(unit).toString());
        }
        arguments.addAll(files);
        ProcessBuilder recovery = new ProcessBuilder(installation.recovery(arguments));
        return KeeperEnd.await(
                recovery.directory(Installation.WORKING_DIRECTORY).inheritIO().start());
    }

    /** Removes the folder of a unit that has neither a keeper nor a record. */
    static void tidy(StateDirectory state, Unit unit) throws ProgramException, IOException {
        if (Files.exists(state.folder(unit)) && UnitStatus.of(state, unit).kind() == UnitStatus.Kind.FREE) {
            clean(state, unit);
        }
    }

    /** Removes what an ended disk left in the state folder, unless the unit is in use again. */
    static void clean(StateDirectory state, Unit unit) throws ProgramException, IOException {
        Installation installation = Installation.find();
        ProcessBuilder keeper = new ProcessBuilder(installation.cleaner(state, unit));
        File nothing = new File("/dev/null");
        keeper.directory(Installation.WORKING_DIRECTORY);
        keeper.redirectInput(nothing).redirectOutput(nothing).redirectError(nothing);
        KeeperEnd.await(keeper.start());
    }
}
