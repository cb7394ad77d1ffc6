package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
import org.vnd.export.KernelDevice;
import org.vnd.export.Partitions;
import org.vnd.export.Removal;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.proc.SmallFile;

/**
 * The kernel's loop driver, loop(4), on a range of the block device under the image's file system, so that no process is on
 * the way of a request; or on a file that this process serves.
 *
 * <p>It belongs to a small program, {@code native/loop.c}, because a thread that waits for the device must not be ours: were
 * this process killed, the device would wait for it, and it for the thread. The device is set up with autoclear, and the
 * program ends with us: then the kernel takes the device away, at once or when its last user closes it. If the program is
 * killed, the device is lost: its number may be another's as soon as that has happened, and is looked at before each use.
 */
public final class LoopDevice implements KernelDevice {
    /** Somebody who only looks at what has changed, as udev does after each close, is gone within half a second. */
    private static final int BUSY_ATTEMPTS = 10;

    private static final long BUSY_PAUSE_NANOS = 50_000_000;

    private static final long GONE_POLL_NANOS = 1_000_000;

    /** From the last close until /sys has let go of it: the kernel writes nothing back there, it takes a moment. */
    private static final int GONE_ATTEMPTS = 5000;

    private static final int FAIL_ATTEMPTS = 3;

    /** One a second. */
    private static final int INDIRECT_LOOKS = 10;

    private final Path programs;
    private final LoopProgram program;
    private final String export;
    private final @Nullable BooleanSupplier servedHere;
    private volatile Runnable lost = () -> {};
    private String name = "";
    /** What has this name as long as it is ours. */
    private @Nullable BlockNode identity;

    /** Of one that the kernel serves by itself. */
    private @Nullable LoopQueue queue;

    /** Held while somebody of ours has it open or takes it away; never by {@link #fail}, which may not wait for that. */
    private final Object looking = new Object();

    /** The program has closed it. */
    private boolean closed;

    private volatile boolean removed;
    /** By the thread that looks. */
    private boolean lostTold;

    private int indirectLooks;

    private LoopDevice(Path programs, LoopProgram program, String export, @Nullable BooleanSupplier servedHere) {
        this.programs = programs;
        this.program = program;
        this.export = export;
        this.servedHere = servedHere;
    }

    /**
     * What is to be a block device.
     *
     * @param path of a device or file; it is opened with O_DIRECT by another process, then the kernel has it
     * @param offsetBytes a multiple of the logical block of what is below
     * @param sizeBytes of the device, whole blocks
     * @param blockBytes the logical block, 512 to a page
     * @param label what a listing of loop devices says of it
     * @param servedHere whether this process still serves what is at {@code path}; null if the kernel does
     */
    public record Backing(
            String path,
            long offsetBytes,
            long sizeBytes,
            int blockBytes,
            boolean readOnly,
            String label,
            @Nullable BooleanSupplier servedHere) {}

    /**
     * Makes a block device of {@code backing}. Its partitions are there when this returns, if the kernel reads its table.
     *
     * @param programs folder of this program's parts
     * @param export what {@link #export} says
     * @param names of the disk, which are this device's from now on
     * @param removal takes away what can't be used
     * @throws IOException it can't be, and the message says why; nothing is left but, where its program was killed, what nobody
     *     knows the name of: {@link LeftLoop}
     */
    public static LoopDevice attach(Path programs, String export, Backing backing, DeviceNames names, Removal removal)
            throws IOException {
        LoopProgram program = LoopProgram.start(
                programs.resolve("vnd-loop").toString(),
                backing.path,
                Long.toString(backing.offsetBytes),
                Long.toString(backing.sizeBytes),
                Integer.toString(backing.blockBytes),
                backing.readOnly ? "ro" : "rw",
                backing.label,
                names.list().toString());
        LoopDevice device = new LoopDevice(programs, program, export, backing.servedHere);
        device.name = nameOf(program, removal);
        try {
            BlockNode seen = BlockNode.disk(device.name);
            if (!program.isAlive()) {
                // What was seen may be another's already.
                throw new IOException("the program that keeps it has ended (vnd-loop)");
            }
            device.identity = seen;
            names.use(seen);
            if (device.servedByKernel()) {
                device.queue = new LoopQueue(device.name);
            }
            return device;
        } catch (IOException | RuntimeException | Error e) {
            removal.certain(device, e);
            throw e;
        }
    }

    private static String nameOf(LoopProgram program, Removal removal) throws IOException {
        try {
            String[] answer = program.firstAnswer().split(" ", 2);
            if (!answer[0].equals("ready")) {
                throw new IOException(answer[answer.length - 1]);
            }
            return answer[1];
        } catch (IOException | RuntimeException | Error e) {
            program.end(removal, e);
            throw e;
        }
    }

    @Override
    public String export() {
        return export;
    }

    @Override
    public String node() {
        return "/dev/" + name;
    }

    @Override
    public boolean servedByKernel() {
        return servedHere == null;
    }

    @Override
    public Optional<String> look() throws IOException {
        Optional<String> indirect = direct();
        if (indirect.isPresent()) {
            return indirect;
        }
        LoopQueue bounded = queue;
        // Where it was lost, the number may be another's.
        if (bounded != null && !removed && bound()) {
            bounded.look();
        }
        if (servedHere != null && !lostTold && !servedHere.getAsBoolean() && !removed && bound()) {
            lostTold = true;
            System.err.println(node() + " answers with errors only: what it is on has ended");
            lost.run();
        }
        return Optional.empty();
    }

    /**
     * Others may switch its direct I/O off: what is written then goes to a cache that nobody knows of, and from there to the disk
     * whenever the kernel likes.
     */
    private Optional<String> direct() throws IOException {
        Path direct = Path.of("/sys/block", name, "loop/dio");
        if (removed || !bound() || !SmallFile.readIfThere(direct).equals("0")) {
            indirectLooks = 0;
            return Optional.empty();
        }
        Optional<String> answer = program.askIfFree("direct");
        if (answer.equals(Optional.of("direct"))) {
            System.err.println("somebody had switched off direct I/O of " + node() + ": it is on again");
            indirectLooks = 0;
            return Optional.empty();
        }
        indirectLooks++;
        // It may have been asked something already, or be slow to write back.
        boolean refused = answer.isPresent() && answer.get().startsWith("error ") && program.isAlive();
        return refused || indirectLooks >= INDIRECT_LOOKS
                ? Optional.of("somebody has switched off direct I/O of " + node() + ", and it can't be had back: "
                        + answer.orElse("its program doesn't answer").replaceFirst("^error ", ""))
                : Optional.empty();
    }

    /** By its program or, if that is asked something already or doesn't answer, by another: the one who waits can't wait. */
    @Override
    public void fail() throws IOException {
        if (!servedByKernel()) {
            return;
        }
        String why = "";
        for (int attempt = 0; attempt < FAIL_ATTEMPTS; attempt++) {
            BlockNode ours = identity;
            if (removed || (ours != null && !ours.isThere())) {
                return;
            }
            Optional<String> answer = program.askIfFree("fail");
            if (answer.equals(Optional.of("failed")) || (ours != null && LeftLoop.failByProgram(programs, ours))) {
                return;
            }
            why = answer.orElse("its program doesn't answer, and another can't do it");
        }
        throw new IOException(name + ": " + why.replaceFirst("^error ", ""));
    }

    @Override
    public void kept() throws IOException {
        String answer = program.ask("kept").orElseThrow(() -> new IOException(name + ": " + program.silence()));
        if (!answer.equals("kept")) {
            throw new IOException(name + ": " + answer.replaceFirst("^error ", ""));
        }
    }

    @Override
    public List<String> failCommand() {
        return LeftLoop.failCommand(programs, Objects.requireNonNull(identity));
    }

    @Override
    public void whenLost(Runnable told) {
        lost = told;
        program.whenEnded(told);
    }

    @Override
    public void lookForPartitions() throws IOException {
        synchronized (looking) {
            if (!removed && bound()) {
                Partitions.update(node());
            }
        }
    }

    @Override
    public void remove() throws IOException {
        synchronized (looking) {
            takeAway();
        }
    }

    private void takeAway() throws IOException {
        if (removed) {
            return;
        }
        for (int attempt = 0; !cleared(); attempt++) {
            if (attempt == BUSY_ATTEMPTS) {
                throw new DeviceBusyException(DeviceUsers.describe(name));
            }
            LockSupport.parkNanos(BUSY_PAUSE_NANOS);
        }
        closed = true;
        for (int attempt = 0; bound(); attempt++) {
            if (attempt == GONE_ATTEMPTS) {
                throw new IOException(name + " was taken away, and is still there");
            }
            LockSupport.parkNanos(GONE_POLL_NANOS);
        }
        removed = true;
    }

    private boolean cleared() throws IOException {
        if (closed) {
            return true;
        }
        if (!program.isAlive()) {
            // Killed; the device ends with its last user.
            return !bound();
        }
        if (queue != null) {
            queue.restore();
        }
        boolean gone = false;
        try {
            String answer = program.ask("remove")
                    .orElseThrow(() -> new IOException(name + " isn't taken away yet: " + program.silence()));
            gone = answer.equals("gone");
            if (!gone && !answer.equals("busy")) {
                throw new IOException(name + ": " + answer.replaceFirst("^error ", ""));
            }
            return gone;
        } finally {
            // Its program may have ended just now, and the number be another's.
            if (queue != null && !gone && bound()) {
                queue.bound();
            }
        }
    }

    /** Not merely whether there is such a device: the kernel marks it anew each time that it is set up or taken away. */
    private boolean bound() throws IOException {
        return identity != null && identity.isThere();
    }
}
