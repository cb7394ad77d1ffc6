package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.vnd.control.ImagePlace;
import org.vnd.control.MalformedRecordException;
import org.vnd.control.Reason;
import org.vnd.control.RecoveryArguments;
import org.vnd.control.Reporter;
import org.vnd.control.StateDirectory;
import org.vnd.control.UnitRecord;
import org.vnd.export.DeviceUsers;
import org.vnd.image.FilePlace;
import org.vnd.image.ImageException;
import org.vnd.image.LostImage;
import org.vnd.image.Recovery;
import org.vnd.image.StillServedException;
import org.vnd.node.NameList;
import org.vnd.sys.DescriptorOutputStream;

/**
 * The recovery of a unit whose daemon was killed: what is left of its devices goes away, and its image is unlocked, whatever
 * it is called by now. The record says that as long as it goes on. Runs in a daemon's place, under a keeper, which so has the unit's lock, and removes its folder after
 * exit status 0. What it says is the text of the report line READY or ERROR.
 */
final class UnitRecovery {
    private final RecoveryArguments arguments;
    /** Whether the unit stays as it is, because the file that was named isn't its. */
    private boolean stays;

    private UnitRecovery(RecoveryArguments arguments) {
        this.arguments = arguments;
    }

    /** The exit status: 0 when nothing need be known of the unit any more. */
    static int run(RecoveryArguments arguments) {
        return new UnitRecovery(arguments).run();
    }

    private int run() {
        String problem = "";
        String done = "";
        // Who knows nothing of that device any more would free the blocks under it.
        boolean served = false;
        try {
            Optional<UnitRecord> record = UnitRecord.read(arguments.record());
            done = record.isPresent() ? recover(record.get()) : removeNameless(arguments.unitDirectory());
        } catch (IOException e) {
            problem = Reason.withFile(e);
            served = e instanceof StillServedException;
            if (e instanceof MalformedRecordException && arguments.givesUp()) {
                problem += removeDevice();
            }
        } catch (RuntimeException | Error e) {
            Log.line(Reason.ofDefect(e));
            problem = arguments.unit().name() + ": a defect in the recovery: " + e;
        }
        boolean over = problem.isEmpty() || (arguments.givesUp() && !served);
        try (Reporter reporter = new Reporter(new DescriptorOutputStream(arguments.reportDescriptor()))) {
            if (problem.isEmpty()) {
                reporter.ready(done);
            } else if (over) {
                reporter.ready(givenUp(problem));
            } else {
                String unit = arguments.unit().name();
                reporter.error(
                        arguments.givesUp() ? unit + ": not given up: " + problem : refusal(problem, served, unit));
            }
        } catch (IOException unheard) {
            // What is done is done.
            Log.line(problem + done);
        }
        return over && !stays ? 0 : Main.REPORTED;
    }

    private String recover(UnitRecord record) throws IOException {
        String file = arguments.file();
        if (!file.isEmpty() && Recovery.isAnother(file, image(record, file))) {
            stays = true;
            return Recovery.recover(file) + " (" + record.unit() + " had another file, and stays)";
        }
        return recover(record, arguments.unitDirectory(), file);
    }

    /** Why the last disk of {@code unit} can't be recovered, and what to do: as long as it is served, it isn't given up. */
    static String refusal(IOException failure, String unit) {
        return refusal(Reason.withFile(failure), failure instanceof StillServedException, unit);
    }

    private static String refusal(String problem, boolean served, String unit) {
        return served ? problem : problem + "; vndconfig -u -F " + unit + " gives the disk up";
    }

    private String givenUp(String problem) {
        return arguments.unit().name() + ": given up (" + problem + "). An image that is still locked is unlocked by"
                + " vndconfig --recover and its name, or by attaching it";
    }

    /** Of a disk of which nothing else is known; what stays is said. */
    private String removeDevice() {
        try {
            Leftover.remove(arguments.unitDirectory());
            return "";
        } catch (IOException e) {
            return "; what is left of its device stays: " + Reason.withFile(e);
        }
    }

    /** It was killed before it had a record, and so before it had an image. */
    private String removeNameless(Path unitDirectory) throws IOException {
        Leftover.remove(unitDirectory);
        return arguments.unit().name() + ": nothing to recover";
    }

    /**
     * Recovers what {@code record} tells of, whose daemon is gone for certain: its lock is held by the caller.
     *
     * @param file where its image is now, or empty
     * @return what there was to do, one line
     */
    static String recover(UnitRecord record, Path unitDirectory, String file) throws IOException {
        try {
            record.recovering().write(unitDirectory.resolve(StateDirectory.RECORD));
        } catch (IOException e) {
            // It is listed as it was.
            Log.line(Reason.withFile(e));
        }
        @Nullable IOException left = null;
        try {
            Leftover.remove(unitDirectory);
        } catch (IOException e) {
            // It only answers with errors: the image needn't wait for it.
            left = e;
        }
        String done = "";
        @Nullable IOException locked = null;
        try {
            done = recover(record, file);
        } catch (StillServedException e) {
            throw e;
        } catch (ImageException e) {
            locked = e;
        }
        Optional<String> served = NameList.served(unitDirectory);
        if (served.isPresent()) {
            // Its image may be deleted, and its blocks another file's; or what keeps its lock lets nobody in because of
            // that.
            throw new StillServedException(
                    record.file(),
                    "its daemon is gone, but " + served.get()
                            + " still is that disk: unmount or close it first, and it goes away",
                    locked);
        }
        if (locked != null) {
            throw locked;
        }
        if (left != null) {
            throw new IOException(done + ", but what is left of its device stays: " + Reason.withFile(left), left);
        }
        return done + dead(unitDirectory);
    }

    /** Whoever goes on with a block device that nobody serves any more hears of it when he flushes, if then. */
    private static String dead(Path unitDirectory) {
        try {
            Optional<String> device = NameList.dead(unitDirectory);
            Optional<String> users = device.isEmpty()
                    ? Optional.empty()
                    : DeviceUsers.of(Path.of(device.get()).getFileName().toString());
            return users.isEmpty()
                    ? ""
                    : "; what is written to " + device.get() + " now is lost (" + users.get()
                            + "): unmount or close it";
        } catch (IOException gone) {
            // Meanwhile, or it can't be told: what there was to do is done.
            return "";
        }
    }

    private static String recover(UnitRecord record, String file) throws IOException {
        ImagePlace place = record.place();
        boolean withoutDevice = place.inode() != 0 && place.deviceMajor() == 0;
        if (record.engine().equals("file") || withoutDevice) {
            // Only its content was changed, if anything.
            return (file.isEmpty() ? record.file() : file) + ": nothing to recover";
        }
        return Recovery.recover(image(record, file));
    }

    /** What {@code record} tells of its image, which may be {@code file} if that isn't empty. */
    static LostImage image(UnitRecord record, String file) {
        ImagePlace place = record.place();
        List<String> paths = new ArrayList<>();
        for (String path : List.of(file, record.file(), place.path())) {
            if (!path.isEmpty()) {
                paths.add(path);
            }
        }
        FilePlace then = new FilePlace(
                place.device(),
                (int) place.deviceMajor(),
                (int) place.deviceMinor(),
                place.mountPoint(),
                place.inode(),
                place.path(),
                place.fileSystem(),
                place.handle());
        return new LostImage(record.unit(), record.pid(), record.file(), paths, then);
    }
}
