package org.vnd.image;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.vnd.sys.Errno;
import org.vnd.sys.FanotifyCalls;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.abi.FanotifyEvent;

/** Sees to it that there is a {@link LockHolder}, and that a new one does what the last one did. On any thread. */
final class LockKeeping implements AutoCloseable {
    static final String CANT_WAIT = "others want to write to it, and what the kernel serves by itself can't wait";

    private final int image;
    private final String path;
    private final boolean refusesAll;
    /** The holder's end, and the one that all have open that can write. */
    private final int[] writers = {-1, -1};

    private volatile ImageLock.Disturbance told = changed -> {};
    /** Null where it can't be had: then there is the holder's alone. */
    private @Nullable ImageChanges changes;

    /** Null before it is started, and while none can be. */
    private @Nullable LockHolder holder;

    private @Nullable KernelServed device;
    /** What has it fail: that can be run also when it isn't in its place any more, as after an upgrade, by whichever holder. */
    private int deviceProgram = -1;

    /** From before there is one until it is gone. */
    private volatile boolean servedByKernel;
    /** Held while others are let in, and whether they were and may be there yet: then nothing that can't wait may begin. */
    private final Object letting = new Object();

    private boolean letIn;

    /** Of fanotify, in which the image is marked; the holder has it too, and answers. */
    private int group = -1;

    private boolean guarded;
    private boolean serving;
    private boolean fenced;
    /** Said since the lock was served last, as is what follows. */
    private boolean held;

    private boolean quiet;

    /** Whether others have changed the image, whichever holder has heard of it. */
    private final AtomicBoolean changed = new AtomicBoolean();
    /** Whether nobody would start another holder. */
    private volatile boolean failed;

    private String missing = "";

    /** For the image open as {@code image}; {@code refusesAll}: nobody may open it, not even to read. */
    LockKeeping(int image, String path, boolean refusesAll) {
        this.image = image;
        this.path = path;
        this.refusesAll = refusesAll;
    }

    synchronized void start() throws NotPhysicalException {
        int result = SocketCalls.unixPair(writers);
        if (result < 0) {
            throw new NotPhysicalException("what keeps its lock can't be started: " + Errno.message(-result));
        }
        holder = LockHolder.start(image, writers[0], this::disturbed);
        changes = ImageChanges.of(image, () -> disturbed(true));
    }

    /** Nobody opens the image from now on. */
    synchronized void refuseAll() throws NotPhysicalException {
        try {
            required().guard(group(), true);
            guarded = true;
        } catch (IOException e) {
            throw new NotPhysicalException(
                    "readers could share its blocks (reflink), and they can't be kept out (" + e.getMessage() + ")", e);
        }
    }

    /** Whoever opens the image waits from now on until the holder has answered, or the next one, or this is closed. */
    private int group() throws IOException {
        if (group >= 0) {
            return group;
        }
        // First to be asked, since the kernel opens the file for those who are asked later.
        // Without a limit: beyond one, it lets opens pass that nobody was asked about.
        int flags = FanotifyEvent.FAN_CLASS_PRE_CONTENT
                | FanotifyEvent.FAN_CLOEXEC
                | FanotifyEvent.FAN_NONBLOCK
                | FanotifyEvent.FAN_UNLIMITED_QUEUE;
        int made = FanotifyCalls.init(flags, FileCalls.O_RDONLY | FileCalls.O_NONBLOCK | FileCalls.O_CLOEXEC);
        if (made >= 0) {
            String pinned = "/proc/self/fd/" + image;
            int marked = FanotifyCalls.mark(made, FanotifyEvent.FAN_MARK_ADD, FanotifyEvent.FAN_OPEN_PERM, pinned);
            if (marked < 0) {
                FileCalls.close(made);
                made = marked;
            }
        }
        if (made < 0) {
            throw new IOException("fanotify: " + Errno.message(-made));
        }
        group = made;
        return group;
    }

    /** The image is about to be made immutable again. */
    synchronized void closing() throws IOException {
        required().closing();
    }

    /** The lease is a reader's, and holds: from now on, or again. */
    synchronized void serve() throws IOException {
        LockHolder present = required();
        if (!guarded && missing.isEmpty()) {
            try {
                present.guard(group(), false);
                guarded = true;
            } catch (IOException e) {
                if (!present.isAlive()) {
                    throw e;
                }
                // Nobody would answer those who wait for it.
                closeGroup();
                missing = "guard: " + e.getMessage() + ": opens aren't refused when the immutable flag is taken away";
            }
        }
        held = false;
        quiet = false;
        present.serve();
        serving = true;
        synchronized (letting) {
            letIn = false;
        }
    }

    /**
     * Whether there is one that does all it should. If there isn't, another is started, and this is false all the same: while
     * there was none, somebody may have come.
     *
     * @throws IOException there can't be another now
     */
    synchronized boolean there() throws IOException {
        LockHolder present = holder;
        if (present != null && present.answers()) {
            return true;
        }
        holder = null;
        if (present != null) {
            present.close();
        }
        LockHolder next = LockHolder.start(image, writers[0], this::disturbed);
        try {
            if (guarded) {
                next.guard(group(), refusesAll);
            }
            if (device != null) {
                next.kernelServes(device, deviceProgram);
            }
            if (serving) {
                next.serve();
            }
            if (fenced) {
                next.fence();
            }
            if (held) {
                next.held();
            }
            if (quiet) {
                next.quiet();
            }
        } catch (IOException | RuntimeException | Error e) {
            next.close();
            throw e;
        }
        holder = next;
        return false;
    }

    /** The same; if there can't be another, that is tried again the next time. */
    boolean tend() {
        try {
            return there();
        } catch (IOException e) {
            return false;
        }
    }

    private LockHolder required() throws IOException {
        if (holder == null) {
            throw new ImageException(path, "what keeps its lock has ended (vnd-lock)");
        }
        return holder;
    }

    /** Whether there is one that answers, and none has heard of a change. */
    synchronized boolean answers() {
        return holder != null && holder.answers() && !changed.get();
    }

    /** Whether there is none at this moment: it was killed, perhaps again. */
    synchronized boolean gone() {
        return holder == null || !holder.isAlive();
    }

    /** Whether others have changed the image, by a way that none of what locks it stands in; until {@link #forget}. */
    boolean changed() {
        return changed.get();
    }

    /** The map is compared from now on: what comes later is told, and what came before has been told when this returns. */
    synchronized void compare() throws IOException {
        hearChanges();
        required().compare();
    }

    /** The same, with all that others may have done looked at; whether something was told before. */
    synchronized boolean forget() throws IOException {
        hearChanges();
        // What the holder has heard is told before the answer.
        required().compare();
        return changed.getAndSet(false);
    }

    private void hearChanges() {
        if (changes == null) {
            changes = ImageChanges.of(image, () -> disturbed(true));
        } else {
            changes.hear();
        }
    }

    /** The holder's process. */
    synchronized long pid() throws IOException {
        return required().pid();
    }

    boolean servedByKernel() {
        return servedByKernel;
    }

    void kernelWillServe() throws IOException {
        synchronized (letting) {
            if (letIn) {
                throw new ImageException(path, "others have just wanted to write to it, and may do so now");
            }
            servedByKernel = true;
        }
    }

    /**
     * Gives the lease up: who waits for it comes in now, and it is granted again once no writer is left.
     *
     * @throws ImageException there is a device that the kernel serves, or will be: that would go on
     */
    void letOthersIn() throws ImageException {
        synchronized (letting) {
            if (servedByKernel) {
                throw new ImageException(path, CANT_WAIT);
            }
            letIn = true;
            Lease.giveUp(image);
        }
    }

    synchronized void kernelServes(KernelServed served) throws IOException {
        servedByKernel = true;
        String program = served.failCommand().get(0);
        int opened = (int) Libc.check(FileCalls.open(program, FileCalls.O_PATH | FileCalls.O_CLOEXEC), "open", program);
        closeDeviceProgram();
        deviceProgram = opened;
        // First: whoever has to be started anew is told too.
        device = served;
        required().kernelServes(served, deviceProgram);
    }

    private void closeDeviceProgram() {
        if (deviceProgram >= 0) {
            FileCalls.close(deviceProgram);
            deviceProgram = -1;
        }
    }

    synchronized void kernelServesNone() {
        device = null;
        tell(LockHolder::kernelServesNone);
        closeDeviceProgram();
        servedByKernel = false;
    }

    synchronized void fence() {
        fenced = true;
        tell(LockHolder::fence);
    }

    synchronized void held() {
        held = true;
        tell(LockHolder::held);
    }

    synchronized void quiet() {
        quiet = true;
        tell(LockHolder::quiet);
    }

    /** From now on whoever opens the image doesn't wait for a holder that is dead, nor for one that doesn't answer. */
    synchronized void failed() {
        failed = true;
        if (holder != null) {
            // If it doesn't, it is killed.
            holder.answers();
        }
        letInIfDead();
    }

    private synchronized void letInIfDead() {
        if (holder == null || !holder.isAlive()) {
            closeGroup();
        }
    }

    private void disturbed(boolean byChange) {
        if (byChange && changed.getAndSet(true)) {
            // Whoever writes all the time does so once until it is looked at.
            return;
        }
        told.disturbed(byChange);
        if (failed && !byChange) {
            // Not here: this is the thread that reads the answers for which whoever is in this object may wait.
            new Thread(this::letInIfDead, "vnd-lets-in").start();
        }
    }

    private void closeGroup() {
        if (group >= 0) {
            FileCalls.close(group);
            group = -1;
        }
    }

    private interface Message {
        void send(LockHolder to) throws IOException;
    }

    /** If it doesn't hear, it has ended: whoever looks at the lock sees that, and another is told. */
    private void tell(Message message) {
        if (holder != null) {
            try {
                message.send(holder);
            } catch (IOException e) {
                told.disturbed(false);
            }
        }
    }

    void whenDisturbed(ImageLock.Disturbance disturbed) {
        told = disturbed;
    }

    /** Open in whatever can write. */
    int writersMark() {
        return writers[1];
    }

    /** What it doesn't protect from, each named before a colon. */
    synchronized List<String> missing() {
        List<String> all = new ArrayList<>();
        if (!missing.isEmpty()) {
            all.add(missing);
        }
        String blindness = holder == null ? "" : holder.blindness();
        String bySize = "a change that asks for no open is noticed by its size only, within a second";
        if (changes == null && !blindness.isEmpty()) {
            all.add("notice: " + blindness + ": " + bySize);
        } else if (changes == null) {
            all.add(
                    "notice: inotify: no more instances (fs.inotify.max_user_instances), or none here: while vnd-lock is"
                            + " stopped or started anew, " + bySize);
        } else if (!blindness.isEmpty()) {
            all.add("notice: " + blindness + ": while the daemon is stopped or dead, " + bySize);
        }
        return all;
    }

    /** The lease has been given up. */
    @Override
    public synchronized void close() {
        if (holder != null) {
            holder.close();
            holder = null;
        }
        if (changes != null) {
            changes.close();
            changes = null;
        }
        closeGroup();
        closeDeviceProgram();
        for (int at = 0; at < writers.length; at++) {
            if (writers[at] >= 0) {
                FileCalls.close(writers[at]);
                writers[at] = -1;
            }
        }
    }
}
