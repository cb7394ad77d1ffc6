package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.control.ControlAnswer;
import org.vnd.control.ControlRequest;
import org.vnd.control.ControlServer;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Export;
import org.vnd.control.ImagePlace;
import org.vnd.control.Outcome;
import org.vnd.control.PrintableText;
import org.vnd.control.Reason;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;
import org.vnd.engine.Gate;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.Removal;
import org.vnd.export.nbd.Options;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachListener;
import org.vnd.image.AttachRequest;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.image.FilePlace;
import org.vnd.image.StillLockedException;
import org.vnd.sys.FileCalls;

/** One attached disk, from the first look at the image to the last. */
final class Disk implements ControlServer.Handler {
    private static final long POLL_NANOS = 2_000_000;
    /** Each look goes through all processes. */
    private static final long BUSY_POLL_NANOS = 1_000_000_000;

    /** Once a second, for somebody who reads the image while the disk is told to end. */
    private static final int RELEASE_ATTEMPTS = 10;

    private final DaemonArguments arguments;
    private final StateDirectory state;
    private final Unit unit;
    private final AttachedImage image;
    private final Gate gate;
    private final QueueThread queue;
    /** The socket on which the server listens; ours, or lent by the one who activated us. */
    private final int listener;

    private final Watcher watcher;
    private final ControlServer control;
    /** Opened when the one who asked for the detach has the answer. */
    private final CountDownLatch ended = new CountDownLatch(1);

    private final ListedDisk listed;

    /** Null while they are made. */
    private volatile @Nullable HostDevices made;

    /** Whether a forced detach waits for those who use the block device. */
    private final AtomicBoolean endingLater = new AtomicBoolean();

    private boolean detached;
    /** The image couldn't be put back, and who asked said that the disk is to end all the same. */
    private volatile boolean abandoned;

    private Disk(DaemonArguments arguments, AttachedImage image, List<String> unprotected, AttachListener attaching)
            throws IOException {
        this.arguments = arguments;
        this.state = arguments.state();
        this.unit = arguments.unit();
        this.image = image;
        this.listed = new ListedDisk(arguments);
        this.gate = new Gate(image.lock().breakNanos(), image.lock()::holds);
        ImagePartitions partitions = ImagePartitions.of(image, arguments.options());
        Path socket = socket(arguments);
        boolean inherited = arguments.listenDescriptor().isPresent();
        listener = inherited ? arguments.listenDescriptor().get() : NbdSocket.listen(socket);
        Options nbd =
                new Options(unit.name(), PrintableText.of(arguments.options().file()), Log::line);
        // Smaller requests are done too: only who asked for larger ones gets clients that make none.
        nbd.minimumBlockBytes = arguments.options().sectorBytes(1);
        int deviceMemoryBytes = HostDevices.memoryBytes(arguments);
        queue = QueueThread.start(() -> DataPath.make(image, gate, listener, nbd, deviceMemoryBytes));
        watcher = new Watcher(image, gate, queue, this::failed, this::noticed);
        Removal removal = new Removal((device, cause, reason) -> {
            String who = Reason.withFile(reason);
            listed.pending(who);
            tell(
                    attaching,
                    unit.name() + ": " + device + " can't be used (" + Reason.withFile(cause)
                            + "), and waits to be taken away: " + who);
        });
        // Whoever asks for a detach as soon as the socket is there waits until all of this object is.
        synchronized (this) {
            try {
                // First: without it requests wait, those of the kernel to a new device too.
                watcher.start();
                HostDevices devices = HostDevices.make(arguments, image, queue, partitions, removal);
                made = devices;
                if (gate.state() == Gate.State.FAILED) {
                    devices.fail();
                }
                watcher.lookAfter(devices);
                UnitRecord record = record(
                        inherited ? InheritedSocket.uri(listener) : NbdSocket.uri(socket),
                        partitions.sectorBytes(),
                        unprotected);
                for (String warning : partitions.warnings(devices().export().isPresent())) {
                    attaching.warning(warning);
                }
                listed.attached(record);
                // What couldn't be used is gone.
                listed.pending("");
                control = ControlServer.start(state.controlSocket(unit), this);
            } catch (IOException | RuntimeException | Error e) {
                HostDevices devices = made;
                if (devices != null) {
                    String why = unit.name() + ": " + Reason.withFile(e) + ": ";
                    removeForCertain(devices, text -> tell(attaching, why + text));
                }
                stopServing();
                drain();
                watcher.end();
                queue.end();
                throw e;
            }
        }
    }

    /**
     * Attaches the image and begins to serve it, by a unit whose last disk has left nothing. When this returns, the disk answers
     * requests.
     *
     * @throws IOException with the line for the user; the image is as it was before
     */
    static Disk attach(DaemonArguments arguments, AttachListener listener, List<String> unprotected)
            throws IOException {
        Path record = arguments.state().record(arguments.unit());
        AttachOptions options = arguments.options();
        try {
            AttachedImage image = AttachedImage.attach(
                    request(options, arguments.unit()),
                    listener,
                    place -> UnitRecord.attaching(
                                    arguments.unit(), options.file(), options.readOnly(), pid(), place(place))
                            .write(record));
            try {
                return new Disk(arguments, image, unprotected, listener);
            } catch (IOException | RuntimeException | Error e) {
                try {
                    image.lock().release(AttachListener.NONE);
                } catch (IOException | RuntimeException | Error locked) {
                    e.addSuppressed(locked);
                    throw new StillLockedException(Reason.withFile(e), e);
                }
                throw e;
            }
        } catch (StillLockedException e) {
            Log.line(Reason.ofDefect(e));
            Files.deleteIfExists(socket(arguments));
            throw e;
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(socket(arguments));
            Files.deleteIfExists(record);
            throw e;
        }
    }

    private static long pid() {
        return ProcessHandle.current().pid();
    }

    static Path socket(DaemonArguments arguments) {
        return arguments.unitDirectory().resolve("nbd.sock");
    }

    private UnitRecord record(String uri, int sectorBytes, List<String> unprotected) throws IOException {
        AttachOptions options = arguments.options();
        ExtentMap map = image.map();
        List<String> without = new ArrayList<>(unprotected);
        without.addAll(image.lock().unprotected());
        List<Export> exports = new ArrayList<>();
        exports.add(new Export("nbd", uri));
        devices().export().ifPresent(exports::add);
        return new UnitRecord(
                unit.name(),
                options.file(),
                image.sizeBytes(),
                options.readOnly(),
                image.engine() == Engine.PHYSICAL ? "physical" : "file",
                image.engineReason(),
                queue.ring().description(),
                map == null ? 0 : map.count(),
                exports,
                pid(),
                UnitRecord.State.ATTACHED,
                place(image.place()),
                without,
                sectorBytes,
                options.offsetBytes(),
                "",
                List.of());
    }

    /** For the one who waits for the disk, and for the log. */
    private static void tell(AttachListener attaching, String text) {
        Log.line(text);
        try {
            attaching.warning(text);
        } catch (IOException nobodyWaits) {
            // What is told goes on.
        }
    }

    private void failed(String reason) {
        // While they are made, whoever makes them looks afterwards.
        HostDevices devices = made;
        if (devices != null) {
            devices.fail();
        }
        listed.failed(reason);
    }

    private void noticed(List<String> notices) {
        notices.forEach(notice -> Log.line("noticed: " + notice));
        listed.noticed(notices);
    }

    /** Once they are made, as they are for all who ask. */
    private HostDevices devices() {
        return Objects.requireNonNull(made);
    }

    private static AttachRequest request(AttachOptions options, Unit unit) {
        return new AttachRequest(
                options.file(),
                unit.name(),
                Engine.valueOf(options.engine().name()),
                options.readOnly(),
                options.allocate(),
                options.offsetBytes(),
                options.sizeLimitBytes(),
                options.sectorBytes(AttachOptions.MIN_SECTOR_SIZE_BYTES));
    }

    private static ImagePlace place(FilePlace place) {
        return new ImagePlace(
                place.device(),
                place.deviceMajor(),
                place.deviceMinor(),
                place.mountPoint(),
                place.inode(),
                place.path(),
                place.fileSystem(),
                place.handle());
    }

    @Override
    public Outcome handle(ControlRequest request, ControlAnswer answer) {
        switch (request) {
            case DETACH:
                return detach(false, answer);
            case DETACH_FORCE:
                return detach(true, answer);
            default:
                return status(answer);
        }
    }

    private Outcome status(ControlAnswer answer) {
        answer.note(queue.ask(queue::clients) + " connections");
        if (endingLater.get()) {
            answer.note("it is detached as soon as its block device isn't used");
        }
        return gate.state() == Gate.State.FAILED ? Outcome.error(gate.failure()) : Outcome.ok();
    }

    /** What the user hears when the disk is there; see {@link HostDevices#announcement}. */
    String announcement() {
        String announcement = devices().announcement();
        String export = devices().exportWord().orElse(AttachOptions.NBD);
        if (arguments.options().timeoutSeconds() == 0 || AttachOptions.hasTimeouts(export)) {
            return announcement;
        }
        String useless = "--timeout has no effect with " + export;
        return announcement.isEmpty() ? unit.name() + ": " + useless : announcement + "; " + useless;
    }

    private Outcome detach(boolean force, ControlAnswer answer) {
        int clients = force ? 0 : queue.ask(queue::clients);
        if (clients > 0) {
            return Outcome.busy(clients == 1 ? "1 client is connected" : clients + " clients are connected");
        }
        Optional<String> obstacle = force ? Optional.empty() : image.lock().obstacle();
        if (obstacle.isPresent()) {
            return Outcome.busy(obstacle.get());
        }
        try {
            // Its users can't be told to go, as clients can: nothing of the disk ends before they have.
            devices().remove();
        } catch (DeviceBusyException e) {
            String who = String.valueOf(e.getMessage());
            if (!force) {
                return Outcome.busy(who);
            }
            listed.pending(who);
            if (!endingLater.getAndSet(true)) {
                new Thread(this::endLater, "vnd-end-later").start();
            }
            return Outcome.later(who);
        } catch (IOException e) {
            return Outcome.error(unit.name() + ": " + Reason.withFile(e));
        }
        listed.pending("");
        // Whoever connects at this very moment wasn't there when it was decided.
        stopServing();
        Optional<String> complaint;
        try {
            complaint = finish();
        } catch (IOException e) {
            Log.line("detach: " + Reason.withFile(e));
            if (!force) {
                // Somebody has come who wasn't there when it was decided.
                listed.failed("nothing leads to it any more, and its image can't be let go yet: " + Reason.withFile(e));
                return Outcome.error(
                        Reason.withFile(e) + ": nothing is unlocked yet: try again, or give the disk up with -F");
            }
            abandoned = true;
            answer.afterwards(ended::countDown);
            return Outcome.ended(Reason.withFile(e)
                    + ": the disk is given up, and its file stays locked until vndconfig --recover can unlock it");
        }
        answer.afterwards(ended::countDown);
        return complaint.isEmpty() ? Outcome.ok() : Outcome.ended(unit.name() + ": detached, but " + complaint.get());
    }

    private void endLater() {
        removeForCertain(devices(), Log::line);
        ended.countDown();
    }

    private void stopServing() {
        queue.ask(() -> {
            queue.stop();
            return true;
        });
    }

    /** Returns once the disk was detached by request. */
    void awaitEnd() {
        while (true) {
            try {
                ended.await();
                return;
            } catch (InterruptedException e) {
                Log.line("interrupted, and going on");
            }
        }
    }

    /** Ends the disk whoever is connected, for a signal. Whether nothing was left behind. */
    synchronized boolean end() {
        if (detached || abandoned) {
            return detached;
        }
        removeForCertain(devices(), Log::line);
        stopServing();
        for (int attempt = 1; true; attempt++) {
            try {
                finish();
                return true;
            } catch (IOException e) {
                Log.line("detach: " + Reason.withFile(e));
                if (attempt == RELEASE_ATTEMPTS) {
                    return false;
                }
                LockSupport.parkNanos(BUSY_POLL_NANOS);
            }
        }
    }

    /** However long its users take: what they write must not go where the image once was. */
    private void removeForCertain(HostDevices made, Consumer<String> told) {
        String said = "";
        for (boolean first = true; true; first = false) {
            try {
                if (first) {
                    made.remove();
                } else {
                    made.removeIfUnused();
                }
                listed.pending("");
                return;
            } catch (DeviceBusyException e) {
                String who = String.valueOf(e.getMessage());
                if (!who.equals(said)) {
                    told.accept("its block device waits to be taken away: " + who);
                    listed.pending(who);
                }
                said = who;
                LockSupport.parkNanos(BUSY_POLL_NANOS);
            } catch (IOException | RuntimeException | Error e) {
                String why = Reason.withFile(e);
                if (!why.equals(said)) {
                    told.accept("its block device can't be taken away: " + why);
                }
                if (!made.servedByKernel()) {
                    // Whatever is left of it, nobody answers its requests.
                    return;
                }
                said = why;
                LockSupport.parkNanos(BUSY_POLL_NANOS);
            }
        }
    }

    private void drain() {
        while (!queue.ask(queue::drained)) {
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** Drains, lets go of the image, and removes what said that the disk is there. What is wrong with the image. */
    private synchronized Optional<String> finish() throws IOException {
        if (detached) {
            return Optional.empty();
        }
        drain();
        watcher.end();
        Optional<String> complaint = image.lock().release(AttachListener.NONE);
        if (complaint.isEmpty() && gate.state() == Gate.State.FAILED) {
            complaint = Optional.of("it had failed: " + gate.failure());
        }
        complaint.ifPresent(Log::line);
        detached = true;
        queue.end();
        FileCalls.close(listener);
        try {
            Files.deleteIfExists(socket(arguments));
            Files.deleteIfExists(state.record(unit));
            control.close();
        } catch (IOException e) {
            // The keeper removes the whole folder; the disk is detached all the same.
            Log.line("detach: " + Reason.withFile(e));
        }
        return complaint;
    }
}
