package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.control.ControlAnswer;
import org.vnd.control.ControlRequest;
import org.vnd.control.ControlServer;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Outcome;
import org.vnd.control.Reason;
import org.vnd.control.UnitRecord;
import org.vnd.engine.Gate;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.KernelDevice;
import org.vnd.image.AttachListener;
import org.vnd.image.AttachedImage;
import org.vnd.sys.FileCalls;

/**
 * The life of one disk, on the one thread that owns it: the one that attaches it, {@link DiskAttach}, and then is in
 * {@link #run}. Only that thread makes devices and takes them away, lets go of the image and writes the record; a disk fails,
 * with its device, by the {@link Watcher} at any moment. Others post what they want, or wake it when there is something new to
 * see: each of them has a handful of things here at most.
 */
final class Disk implements ControlServer.Handler {
    /** What becomes of a disk, in this order; whether its requests go on, wait or fail is the {@link Gate}'s to know. */
    enum State {
        /** Its parts are being made. */
        ATTACHING,
        /** It serves. */
        SERVING,
        /** It is to end, and serves until nobody uses its block device any more. */
        ENDING,
        /** Nothing leads to it any more; its image hasn't been let go yet. */
        RELEASING,
        /** Nothing is left of it. */
        DETACHED,
        /** It has ended without letting go of its image, which stays locked for a recovery. */
        ABANDONED
    }

    private static final long POLL_NANOS = 2_000_000;

    /** Between two attempts to take the device away, each of which goes through all processes, or to let go of the image. */
    private static final long RETRY_NANOS = 1_000_000_000;

    /** Once a second, for somebody who reads the image while the disk is told to end. */
    private static final int RELEASE_ATTEMPTS = 10;

    /** Who has posted something as the disk ended takes his answer in milliseconds; one who has been stopped doesn't. */
    private static final long ANSWERS_LIMIT_NANOS = 3_000_000_000L;

    private final Mailbox mailbox = new Mailbox();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
    private volatile State state = State.ATTACHING;
    private final DaemonArguments arguments;
    private final AttachedImage image;
    private final Gate gate;
    private final QueueThread queue;
    /** The socket on which the server listens; ours, or lent by the one who activated us. */
    private final int listener;

    private final Watcher watcher;
    private final ListedDisk listed;
    /** Null while they are made. */
    private @Nullable HostDevices devices;

    private @Nullable ControlServer control;
    private boolean failureSeen;
    /** By a signal, or by somebody who was told that it ends by itself. */
    private boolean toldToEnd;

    private List<String> noticed = List.of();
    private List<String> missing = List.of();
    /** Whether there is nothing more to do but to let those have their answers who wait for one. */
    private boolean over;

    private long overNanos;
    /** ENDING: whether the device's going has been tried, and why it stayed. */
    private boolean triedToRemove;

    private String stays = "";
    /** RELEASING: how often it is still tried without being asked to. */
    private int attemptsLeft;

    /** A disk whose parts so far are these; the calling thread is its owner. */
    Disk(DaemonArguments arguments, AttachedImage image, Gate gate, QueueThread queue, int listener) {
        this.arguments = arguments;
        this.image = image;
        this.gate = gate;
        this.queue = queue;
        this.listener = listener;
        this.listed = new ListedDisk(arguments);
        this.watcher = new Watcher(image, gate, queue, this::wakeUp);
    }

    /** What a listing shows of it. */
    ListedDisk listed() {
        return listed;
    }

    /** Has its lock looked at: without that requests wait, those of the kernel to a new device too. */
    void startWatching() {
        watcher.start();
    }

    /** A device is there, though it may not be one that can be used. */
    void failsToo(KernelDevice device) {
        mailbox.assertOwner();
        watcher.failsToo(device);
    }

    /** Its devices are there. */
    void serve(HostDevices made) {
        mailbox.assertOwner();
        devices = made;
        watcher.lookAfter(made);
    }

    /**
     * It is complete: from now on others may ask for things.
     *
     * @throws IOException the record or the socket can't be made
     */
    void complete(UnitRecord record) throws IOException {
        mailbox.assertOwner();
        listed.attached(record);
        // What couldn't be used is gone.
        listed.pending("");
        control = ControlServer.start(arguments.state().controlSocket(arguments.unit()), this);
        state = State.SERVING;
    }

    /** Takes apart what there is of a disk that couldn't be completed; its image is the caller's to let go. */
    void takeApart() {
        mailbox.assertOwner();
        stopServing();
        drain();
        watcher.end();
        queue.end();
    }

    /** What the user hears when the disk is there; see {@link HostDevices#announcement}. */
    String announcement() {
        String announcement = devices().announcement();
        String export = devices().exportWord().orElse(AttachOptions.NBD);
        if (arguments.options().timeoutSeconds() == 0 || AttachOptions.hasTimeouts(export)) {
            return announcement;
        }
        String useless = "--timeout has no effect with " + export;
        return announcement.isEmpty() ? arguments.unit().name() + ": " + useless : announcement + "; " + useless;
    }

    private HostDevices devices() {
        return Objects.requireNonNull(devices);
    }

    /** Does what is asked of the disk until it has ended, and those who asked for that have their answers. */
    void run() {
        mailbox.assertOwner();
        try {
            while (!over || !mailbox.isEmpty() || answersWait()) {
                turn();
            }
        } finally {
            // Whoever waits for the end of a process whose owner is gone would wait for ever: then it is a crash.
            ended.complete(state == State.DETACHED);
        }
    }

    private boolean answersWait() {
        return mailbox.awaited() && System.nanoTime() - overNanos < ANSWERS_LIMIT_NANOS;
    }

    private void end(boolean finished) {
        if (finished && !over) {
            over = true;
            overNanos = System.nanoTime();
        }
    }

    private void turn() {
        mailbox.doing("");
        Runnable next = mailbox.next();
        try {
            if (next != null) {
                next.run();
            }
            look();
        } catch (RuntimeException | Error e) {
            // Who waits for an answer has this one, and the disk goes on: nobody else would end it in order.
            Log.line(Reason.ofDefect(e));
        }
        if (mailbox.isEmpty() && (!over || answersWait())) {
            if (over || state == State.ENDING || state == State.RELEASING || watcher.holds()) {
                LockSupport.parkNanos(RETRY_NANOS);
            } else {
                LockSupport.park();
            }
        }
    }

    /** There is something new to see. */
    private void wakeUp() {
        // Whatever is there already has it looked at afterwards: however often there is, it is here once.
        if (mailbox.isEmpty()) {
            mailbox.post(() -> {});
        }
    }

    private void look() {
        if (state == State.SERVING || state == State.ENDING) {
            lookAtFailure();
            lookAtNotices();
        }
        if (state == State.ENDING) {
            tryToRemove();
        }
        if (state == State.RELEASING && attemptsLeft > 0) {
            tryToRelease();
        } else if (state == State.RELEASING) {
            // Until somebody asks for it again, nobody else looks after the lock.
            image.lock().failed();
        }
    }

    /** Its devices fail at that very moment, by the watcher; to write it down, and to explain it, may take long. */
    private void lookAtFailure() {
        if (gate.state() != Gate.State.FAILED || failureSeen) {
            return;
        }
        failureSeen = true;
        listed.failed(gate.failure());
        Log.line("the disk fails: " + gate.failure());
        mailbox.doing("looking for who uses its image");
        String users = watcher.failedByOthers() ? image.lock().users() : "";
        if (!users.isEmpty()) {
            listed.failed(gate.failure() + ": " + users);
            Log.line("who uses its image: " + users);
        }
    }

    private void lookAtNotices() {
        List<String> notices = watcher.notices();
        if (!notices.equals(noticed)) {
            noticed = notices;
            notices.forEach(notice -> Log.line("noticed: " + notice));
            listed.noticed(notices);
        }
        List<String> missingNow = new ArrayList<>();
        String unheld = watcher.unheld();
        if (!unheld.isEmpty()) {
            missingNow.add(unheld);
        }
        String name = devices().missingName();
        if (!name.isEmpty()) {
            missingNow.add("name: " + name);
        }
        if (!missingNow.equals(missing)) {
            missing = missingNow;
            listed.missing(missingNow);
        }
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
        if (state == State.ENDING) {
            answer.note("it is detached as soon as its block device isn't used");
        }
        return gate.state() == Gate.State.FAILED ? Outcome.error(gate.failure()) : Outcome.ok();
    }

    private Outcome detach(boolean force, ControlAnswer answer) {
        // What ends this process must not cut off the answer.
        return mailbox.ask(
                () -> detach(force),
                arguments.unit().name(),
                answer,
                () -> end(state == State.DETACHED || state == State.ABANDONED));
    }

    private Outcome detach(boolean force) {
        mailbox.assertOwner();
        if (state == State.DETACHED || state == State.ABANDONED) {
            // By a signal, while this one was on its way.
            return state == State.DETACHED
                    ? Outcome.ok()
                    : Outcome.error(arguments.unit().name() + ": given up");
        }
        mailbox.doing("looking for what is in the way of a detach");
        int clients = force ? 0 : queue.ask(queue::clients);
        if (clients > 0) {
            return Outcome.busy(clients == 1 ? "1 client is connected" : clients + " clients are connected");
        }
        Optional<String> obstacle = force ? Optional.empty() : image.lock().obstacle();
        if (obstacle.isPresent()) {
            return Outcome.busy(obstacle.get());
        }
        Optional<Outcome> refusal = state == State.RELEASING ? Optional.empty() : removeDevices(force);
        if (refusal.isPresent()) {
            return refusal.get();
        }
        beginToRelease();
        try {
            Optional<String> complaint = release();
            return complaint.isEmpty()
                    ? Outcome.ok()
                    : Outcome.ended(arguments.unit().name() + ": detached, but " + complaint.get());
        } catch (IOException | RuntimeException | Error e) {
            String why = Reason.withFile(e);
            Log.line("detach: " + (e instanceof IOException ? why : Reason.ofDefect(e)));
            if (state == State.DETACHED) {
                throw new IllegalStateException(why, e);
            }
            if (!force) {
                // Somebody has come who wasn't there when it was decided.
                listed.failed("nothing leads to it any more, and its image can't be let go yet: " + why);
                return Outcome.error(why + ": nothing is unlocked yet: try again, or give the disk up with -F");
            }
            state = State.ABANDONED;
            return Outcome.ended(
                    why + ": the disk is given up, and its file stays locked until vndconfig --recover can unlock it");
        }
    }

    /** What the one who asked for a detach is told if they are still there. */
    private Optional<Outcome> removeDevices(boolean force) {
        mailbox.doing("taking its block device away");
        try {
            // Its users can't be told to go, as clients can: nothing of the disk ends before they have.
            devices().remove();
        } catch (DeviceBusyException e) {
            String who = String.valueOf(e.getMessage());
            if (!force) {
                return Optional.of(Outcome.busy(who));
            }
            toldToEnd = true;
            triedToRemove = true;
            state = State.ENDING;
            waitsFor(who);
            return Optional.of(Outcome.later(who));
        } catch (IOException e) {
            return Optional.of(Outcome.error(arguments.unit().name() + ": " + Reason.withFile(e)));
        }
        return Optional.empty();
    }

    /** Ends the disk whoever is connected, for a signal; on any thread but the owner's. Whether nothing was left behind. */
    boolean end() {
        tellToEnd();
        return ended.join();
    }

    /** Has the disk end as soon as nobody uses its block device. */
    void tellToEnd() {
        mailbox.post(() -> {
            toldToEnd = true;
            if (state == State.SERVING) {
                state = State.ENDING;
            } else if (state == State.RELEASING) {
                attemptsLeft = Math.max(attemptsLeft, RELEASE_ATTEMPTS);
            }
            end(state == State.DETACHED || state == State.ABANDONED);
        });
    }

    private void waitsFor(String who) {
        if (!who.equals(stays)) {
            Log.line("its block device waits to be taken away: " + who);
            listed.pending(who);
        }
        stays = who;
    }

    /** However long its users take: what they write must not go where the image once was. */
    private void tryToRemove() {
        mailbox.doing("taking its block device away");
        try {
            if (triedToRemove) {
                devices().removeIfUnused();
            } else {
                devices().remove();
            }
        } catch (DeviceBusyException e) {
            waitsFor(String.valueOf(e.getMessage()));
            return;
        } catch (IOException | RuntimeException | Error e) {
            String why = Reason.withFile(e);
            if (!why.equals(stays)) {
                Log.line("its block device can't be taken away: " + why);
            }
            stays = why;
            if (devices().servedByKernel()) {
                return;
            }
            // Whatever is left of it, nobody answers its requests.
        } finally {
            triedToRemove = true;
        }
        beginToRelease();
    }

    private void beginToRelease() {
        if (state == State.RELEASING) {
            return;
        }
        listed.pending("");
        // Whoever connects at this very moment wasn't there when it was decided.
        stopServing();
        attemptsLeft = toldToEnd ? RELEASE_ATTEMPTS : 0;
        state = State.RELEASING;
    }

    private void tryToRelease() {
        attemptsLeft--;
        try {
            release();
        } catch (IOException | RuntimeException | Error e) {
            Log.line("detach: " + (e instanceof IOException ? Reason.withFile(e) : Reason.ofDefect(e)));
            if (attemptsLeft == 0 && state == State.RELEASING) {
                state = State.ABANDONED;
            }
        }
        end(state != State.RELEASING);
    }

    private void stopServing() {
        queue.ask(() -> {
            queue.stop();
            return true;
        });
    }

    private void drain() {
        mailbox.doing("waiting for requests that are on their way to the disk");
        while (!queue.ask(queue::drained)) {
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** Drains, lets go of the image, and removes what said that the disk is there. What is wrong with the image. */
    private Optional<String> release() throws IOException {
        drain();
        mailbox.doing("unlocking its image");
        watcher.end();
        Optional<String> complaint = image.lock().release(AttachListener.NONE);
        if (complaint.isEmpty() && gate.state() == Gate.State.FAILED) {
            complaint = Optional.of("it had failed: " + gate.failure());
        }
        complaint.ifPresent(Log::line);
        state = State.DETACHED;
        queue.end();
        FileCalls.close(listener);
        try {
            Files.deleteIfExists(NbdSocket.of(arguments));
            Files.deleteIfExists(arguments.state().record(arguments.unit()));
            Objects.requireNonNull(control).close();
        } catch (IOException e) {
            // The keeper removes the whole folder; the disk is detached all the same.
            Log.line("detach: " + Reason.withFile(e));
        }
        return complaint;
    }
}
