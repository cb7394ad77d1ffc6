package org.vnd.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.AttachOptions;
import org.vnd.control.EndHook;
import org.vnd.control.EngineChoice;
import org.vnd.control.Geometry;
import org.vnd.control.LineReader;
import org.vnd.control.ReportLine;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.control.UnitRecord;

/** {@code -c}: has a keeper start a daemon, and returns when the disk answers requests. */
final class AttachCommand {
    private final Invocation invocation;
    private final ProgressBar progress = new ProgressBar();
    private final KeeperEnd end;
    private Optional<StallNotice> notice = Optional.empty();
    private Optional<UnitLock> lock = Optional.empty();
    /** Where the search for a unit begins, if none was named. */
    private Unit firstUnit = new Unit(0);
    /** Why the units before that aren't used, as far as the user has to know. */
    private final List<String> passedOver = new ArrayList<>();

    AttachCommand(Invocation invocation) {
        this.invocation = invocation;
        this.end = new KeeperEnd(invocation.foreground);
    }

    int run() throws ProgramException, IOException {
        List<String> operands = invocation.operands;
        boolean anyUnit = operands.size() == 1 && invocation.attachAsked;
        if ((!anyUnit && operands.size() != 2 && operands.size() != 3)
                || (operands.size() == 3 && invocation.hasDiskType)) {
            throw ProgramException.usage("");
        }
        Optional<Unit> unit = anyUnit ? Optional.empty() : DeviceName.parse(operands.get(0));
        if (!anyUnit && unit.isEmpty()) {
            throw new ProgramException(operands.get(0) + ": opendisk: " + ErrorText.NO_SUCH_FILE);
        }
        String file = operands.get(anyUnit ? 0 : 1);
        Optional<Geometry> geometry = geometry();
        if (invocation.compressed) {
            throw new ProgramException(file + ": compressed images (-z) are not supported; uncompress it first");
        }
        ImageFile image = ImageFile.look(file, invocation.readOnly);
        StateDirectory state = StateDirectory.ofThisUser();
        LeftNames.remove(state);
        String subject = unit.isPresent() ? unit.get().name() : file;
        if (unit.isPresent() && UnitLock.isHeld(state.lockFile(unit.get()))) {
            throw new ProgramException(subject + ": VNDIOCSET: " + ErrorText.DEVICE_BUSY);
        }
        long sizeLimitBytes = sizeLimitBytes(subject, image, geometry);
        AttachOptions options = options(image, geometry, sizeLimitBytes);
        EndHook.add(end);
        Optional<Integer> status = Optional.empty();
        while (status.isEmpty()) {
            status = follow(start(state, unit, options), state, unit, file, geometry);
        }
        return status.get();
    }

    /** The geometry asked for, by a geomspec or a disk type. */
    private Optional<Geometry> geometry() throws ProgramException {
        if (invocation.operands.size() == 3) {
            String specification = invocation.operands.get(2);
            try {
                return Optional.of(Geometry.parse(specification));
            } catch (IllegalArgumentException malformed) {
                throw new ProgramException("invalid geometry: " + specification);
            }
        }
        if (!invocation.hasDiskType) {
            return Optional.empty();
        }
        Optional<Geometry> geometry =
                Disktab.read(Path.of(ImageFile.absolute(invocation.disktab))).geometry(invocation.diskType);
        if (geometry.isEmpty()) {
            throw new ProgramException("unknown disk type: " + invocation.diskType);
        }
        return geometry;
    }

    /**
     * The largest size of the disk, 0 for the rest of the image: what a geometry says is one as well, as in vnd(4).
     *
     * @throws ProgramException what NetBSD's driver refuses, with its error and the reason it doesn't give
     */
    private long sizeLimitBytes(String subject, ImageFile image, Optional<Geometry> geometry) throws ProgramException {
        if (!image.isRegular()) {
            throw new ProgramException(subject + ": VNDIOCSET: " + ErrorText.OPERATION_NOT_SUPPORTED + " ("
                    + image.path() + " is not a regular file)");
        }
        if (geometry.isEmpty()) {
            return invocation.sizeLimitBytes;
        }
        long size = Math.max(0, image.sizeBytes() - invocation.offsetBytes);
        if (invocation.sizeLimitBytes > 0) {
            size = Math.min(size, invocation.sizeLimitBytes);
        }
        try {
            long geometrysBytes = geometry.get().checked(size).sizeBytes();
            if (geometrysBytes == 0) {
                throw new IllegalArgumentException(
                        "no cylinder of " + geometry.get() + " fits into " + size + " bytes");
            }
            return geometrysBytes;
        } catch (IllegalArgumentException refused) {
            throw new ProgramException(
                    subject + ": VNDIOCSET: " + ErrorText.INVALID_ARGUMENT + " (" + refused.getMessage() + ")");
        }
    }

    private AttachOptions options(ImageFile image, Optional<Geometry> geometry, long sizeLimitBytes)
            throws ProgramException {
        try {
            return new AttachOptions(
                    image.path(),
                    invocation.readOnly,
                    invocation.fileEngine ? EngineChoice.FILE : invocation.engine,
                    invocation.export.isEmpty() ? usualExport() : invocation.export,
                    invocation.allocate,
                    invocation.offsetBytes,
                    sizeLimitBytes,
                    geometry,
                    invocation.sectorSizeBytes,
                    invocation.timeoutSeconds);
        } catch (IllegalArgumentException refused) {
            throw new ProgramException(String.valueOf(refused.getMessage()));
        }
    }

    /** What {@code VND_EXPORT} says, else the best there is. */
    private static String usualExport() {
        String value = System.getenv("VND_EXPORT");
        return value == null || value.isEmpty() ? AttachOptions.AUTO : value;
    }

    private Process start(StateDirectory state, Optional<Unit> unit, AttachOptions options)
            throws ProgramException, IOException {
        Installation installation = Installation.find();
        boolean listenOnStandardInput = Boolean.getBoolean("vnd.listen.stdin");
        List<String> keeperOptions = new ArrayList<>();
        keeperOptions.add(unit.isPresent() ? "--unit" : "--first-unit");
        keeperOptions.add(unit.orElse(firstUnit).name());
        if (invocation.foreground) {
            keeperOptions.add("--foreground");
        }
        if (listenOnStandardInput) {
            keeperOptions.add("--listen-stdin");
        }
        List<String> command = installation.keeper(state, keeperOptions, installation.daemon(options.toArguments()));
        ProcessBuilder keeper = new ProcessBuilder(invocation.foreground ? command : installation.handedOff(command));
        keeper.directory(Installation.WORKING_DIRECTORY);
        keeper.redirectInput(
                listenOnStandardInput
                        ? ProcessBuilder.Redirect.INHERIT
                        : ProcessBuilder.Redirect.from(new File("/dev/null")));
        keeper.redirectError(ProcessBuilder.Redirect.INHERIT);
        return end.start(keeper);
    }

    /** Shows what the daemon reports until the disk is there, or won't be; no exit status if another unit is to be tried. */
    private Optional<Integer> follow(
            Process keeper, StateDirectory state, Optional<Unit> wanted, String file, Optional<Geometry> geometry)
            throws ProgramException, IOException {
        LineReader lines = new LineReader(keeper.getInputStream(), ReportLine.MAX_BYTES);
        Optional<Unit> unit = wanted;
        while (lines.next()) {
            ReportLine line = ReportLine.parse(lines.line());
            switch (line.kind()) {
                case UNIT:
                    unit = Unit.parse(line.text());
                    openLock(state.lockFile(unit.orElseThrow()));
                    notice = Optional.of(notice(keeper, state, unit.orElseThrow(), StallNotice.WAITING));
                    notice.get().start();
                    end.explain(
                            notice(keeper, state, unit.orElseThrow(), "; it is detached when that goes on"),
                            state.folder(unit.orElseThrow()));
                    break;
                case PROGRESS:
                    progress.show(line);
                    break;
                case NOTE:
                    if (invocation.verbose) {
                        progress.clear();
                        Messages.warn(line.text());
                    }
                    break;
                case WARNING:
                    progress.clear();
                    Messages.warn(line.text());
                    break;
                case ERROR:
                    progress.clear();
                    awaitEnd(keeper);
                    if (unit.isEmpty()) {
                        // That there is none may be for these.
                        tellPassedOver();
                    }
                    throw new ProgramException(line.text());
                case STAYS:
                    progress.clear();
                    awaitEnd(keeper);
                    passOver(unit.orElseThrow(), wanted.isPresent(), line.text());
                    return Optional.empty();
                case READY:
                    progress.clear();
                    endNotice();
                    tellPassedOver();
                    if (!line.text().isEmpty()) {
                        Messages.tell(line.text());
                    }
                    return Optional.of(take(keeper, state, unit.orElseThrow(), wanted.isEmpty(), file, geometry));
            }
        }
        progress.clear();
        EndHook.awaitSharedSignal();
        awaitEnd(keeper);
        throw new ProgramException(unit.isPresent() ? crash(state, unit.get()) : "the keeper ended without a word");
    }

    /** {@code unit} is still that of a disk that crashed: the next one is to be tried, unless it was {@code named}. */
    private void passOver(Unit unit, boolean named, String why) throws ProgramException {
        endNotice();
        if (named) {
            throw new ProgramException(unit.name() + ": can't be used yet, name another unit: " + why);
        }
        passedOver.add(unit.name() + ": not used, since what its last disk has left can't be removed yet: " + why);
        firstUnit = new Unit(unit.number() + 1);
    }

    private void tellPassedOver() {
        for (String why : passedOver) {
            Messages.warn(why);
        }
    }

    private static StallNotice notice(Process keeper, StateDirectory state, Unit unit, String then) {
        return new StallNotice(unit.name(), AwaitedChild.daemon(keeper, state.record(unit)), then);
    }

    private void endNotice() {
        if (notice.isPresent()) {
            notice.get().interrupt();
        }
    }

    /** Says that the disk is there, and only then takes it. One that couldn't be named isn't kept. */
    private int take(
            Process keeper,
            StateDirectory state,
            Unit unit,
            boolean chosenHere,
            String file,
            Optional<Geometry> geometry)
            throws ProgramException, IOException {
        try {
            announce(state, unit, chosenHere, file, geometry);
        } catch (ProgramException unsaid) {
            end.standBack();
            keeper.toHandle().destroy();
            awaitEnd(keeper);
            String why = String.valueOf(unsaid.getMessage());
            throw new ProgramException(unit.name() + ": not attached, since its name can't be told: "
                    + (why.isEmpty() ? Messages.UNREAD : why));
        }
        if (!end.take(state.folder(unit))) {
            awaitEnd(keeper);
            throw new ProgramException(unit.name() + ": it was told to end before it was taken: not attached");
        }
        // So that vnd-handoff ends, and this JVM at once.
        keeper.getInputStream().close();
        int status = KeeperEnd.await(keeper);
        return invocation.foreground ? status : 0;
    }

    /** Now, while it is our keeper's: the next one of the unit has another. */
    private void openLock(Path lockFile) throws IOException {
        try {
            lock = Optional.of(UnitLock.open(lockFile));
        } catch (NoSuchFileException ended) {
            lock = Optional.empty();
        }
    }

    /** Until the keeper has cleaned up after a disk that won't be. */
    private void awaitEnd(Process keeper) throws IOException {
        KeeperEnd.await(keeper);
        end.standBack();
        if (lock.isPresent()) {
            lock.get().awaitFree();
        }
    }

    private void announce(StateDirectory state, Unit unit, boolean chosenHere, String file, Optional<Geometry> geometry)
            throws ProgramException, IOException {
        StringBuilder text = new StringBuilder();
        if (chosenHere) {
            text.append(unit.name()).append('\n');
        }
        if (invocation.verbose) {
            Optional<UnitRecord> record = UnitRecord.read(state.record(unit));
            text.append(unit.name()).append(": ");
            text.append(record.isPresent() ? record.get().sizeBytes() : 0)
                    .append(" bytes on ")
                    .append(file);
            if (geometry.isPresent()) {
                text.append(" using geometry ").append(geometry.get());
            }
            text.append('\n');
        }
        if (text.length() > 0) {
            Messages.out(text.toString());
        }
    }

    /** The daemon ended without having said why. */
    private String crash(StateDirectory state, Unit unit) {
        StringBuilder text = new StringBuilder(unit.name()).append(": its daemon ");
        if (invocation.foreground) {
            text.append("ended before the disk was ready: what it said is above");
        } else {
            DaemonLog log = DaemonLog.read(state.log(unit));
            text.append(log.end()).append(" before the disk was ready");
            if (!log.reason().isEmpty()) {
                text.append(": ").append(log.reason());
            }
            if (Files.exists(state.log(unit))) {
                text.append(" (its log: ").append(state.log(unit)).append(')');
            }
        }
        if (Files.exists(state.record(unit))) {
            text.append("; vndconfig -u ").append(unit.name()).append(" puts the file back in order");
        }
        return text.toString();
    }
}
