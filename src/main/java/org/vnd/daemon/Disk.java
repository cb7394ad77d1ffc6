package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.vnd.control.AttachOptions;
import org.vnd.control.ControlAnswer;
import org.vnd.control.ControlRequest;
import org.vnd.control.ControlServer;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Export;
import org.vnd.control.ImagePlace;
import org.vnd.control.Outcome;
import org.vnd.control.Reporter;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;
import org.vnd.engine.Gate;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachedImage;

/** One attached disk, from the first look at the image to the last. */
final class Disk implements ControlServer.Handler {
    private static final long POLL_NANOS = 2_000_000;

    private final DaemonArguments arguments;
    private final StateDirectory state;
    private final Unit unit;
    private final AttachedImage image;
    private final Gate gate;
    private final QueueThread queue;
    private final Watcher watcher;
    private final ControlServer control;
    /** Opened when the one who asked for the detach has the answer. */
    private final CountDownLatch ended = new CountDownLatch(1);

    private boolean detached;

    /**
     * Attaches the image and begins to serve it. When this returns, the disk answers requests.
     *
     * @throws IOException with the line for the user; the image is as it was before
     */
    Disk(DaemonArguments arguments, Reporter reporter, List<String> unprotected) throws IOException {
        this.arguments = arguments;
        this.state = arguments.state();
        this.unit = arguments.unit();
        AttachOptions options = arguments.options();
        Path record = state.record(unit);
        long pid = ProcessHandle.current().pid();
        UnitRecord.attaching(unit, options.file(), options.readOnly(), pid).write(record);
        image = AttachedImage.attach(options.file(), options.readOnly());
        gate = new Gate(image.freshNanos());
        Path socket = arguments.unitDirectory().resolve("nbd.sock");
        boolean inherited = arguments.listenDescriptor().isPresent();
        int listener = inherited ? arguments.listenDescriptor().get() : NbdSocket.listen(socket);
        queue = QueueThread.start(() -> DataPath.make(image, gate, unit.name(), options.file(), listener, inherited));
        watcher = Watcher.start(image, gate, queue);
        control = ControlServer.start(state.controlSocket(unit), this);
        ExtentMap map = image.map();
        String uri = inherited ? "" : NbdSocket.uri(socket);
        new UnitRecord(
                        unit.name(),
                        options.file(),
                        image.sizeBytes(),
                        options.readOnly(),
                        image.physical() ? "physical" : "file",
                        image.engineReason(),
                        queue.ring().description(),
                        map == null ? 0 : map.count(),
                        List.of(new Export(options.export(), uri)),
                        pid,
                        UnitRecord.State.ATTACHED,
                        ImagePlace.UNKNOWN,
                        unprotected)
                .write(record);
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
        answer.note(queue.ask(() -> queue.server().connections()) + " connections");
        return gate.state() == Gate.State.FAILED ? Outcome.error(gate.failure()) : Outcome.ok();
    }

    private Outcome detach(boolean force, ControlAnswer answer) {
        int clients = queue.ask(() -> stopUnlessBusy(force));
        if (clients > 0) {
            return Outcome.busy(clients == 1 ? "1 client is connected" : clients + " clients are connected");
        }
        try {
            finish();
        } catch (IOException e) {
            Log.line("detach: " + e.getMessage());
            return Outcome.error(String.valueOf(e.getMessage()));
        }
        answer.afterwards(ended::countDown);
        return Outcome.ok();
    }

    /** On the queue's thread, so that no client comes in between: stops the server, or says how many are connected. */
    private int stopUnlessBusy(boolean force) {
        int clients = queue.server().connections();
        if (clients > 0 && !force) {
            return clients;
        }
        queue.server().stop();
        return 0;
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

    /** Ends the disk whoever is connected, for a signal. */
    synchronized void end() {
        if (detached) {
            return;
        }
        queue.ask(() -> stopUnlessBusy(true));
        try {
            finish();
        } catch (IOException e) {
            Log.line("detach: " + e.getMessage());
        }
    }

    /** Drains, lets go of the image, and removes what said that the disk is there. */
    private synchronized void finish() throws IOException {
        if (detached) {
            return;
        }
        while (!queue.ask(() -> queue.server().drained() && queue.engine().idle())) {
            LockSupport.parkNanos(POLL_NANOS);
        }
        watcher.end();
        image.release();
        detached = true;
        queue.end();
        Files.deleteIfExists(arguments.unitDirectory().resolve("nbd.sock"));
        Files.deleteIfExists(state.record(unit));
        control.close();
    }
}
