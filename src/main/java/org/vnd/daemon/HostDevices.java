package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Export;
import org.vnd.control.Reason;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
import org.vnd.export.KernelDevice;
import org.vnd.export.Removal;
import org.vnd.export.fuse.FuseMount;
import org.vnd.export.fuse.Server;
import org.vnd.export.ublk.UblkQueue;
import org.vnd.image.AttachedImage;
import org.vnd.image.ImageLock;
import org.vnd.node.DeviceNames;
import org.vnd.node.NameList;

/** The device of this host through which a disk is reached beside its NBD socket, if there is one, and its names. */
final class HostDevices {
    /** What a device's requests need of the ring. */
    static final int RING_OPERATIONS = Math.max(UblkQueue.RING_OPERATIONS, Server.RING_OPERATIONS);

    /**
     * The block devices, the best first: those that this process serves come last. Not dm, which does without a process too,
     * but loses what it writes while LVM moves the blocks: {@link org.vnd.export.kernel.DmDevice}.
     */
    private static final List<String> ORDER =
            List.of(AttachOptions.LOOP, AttachOptions.UBLK, AttachOptions.NBD_KERNEL, AttachOptions.FUSE_LOOP);

    /** Somebody who only looks at what has changed, as udev does after each close, is gone within half a second. */
    private static final int BUSY_ATTEMPTS = 10;

    private static final long BUSY_PAUSE_NANOS = 50_000_000;

    private final Path directory;
    private final ImageLock lock;
    private final @Nullable KernelDevice device;
    private final @Nullable DeviceNames names;
    private final @Nullable NodeWatch watch;
    private final String announcement;
    /** Why the last look failed, so that the log has it once; empty if it didn't. */
    private String lookFailed = "";
    /** Which name can't be had, and why; empty if all are there. */
    private volatile String missingName = "";

    private boolean removed;

    private HostDevices(
            DaemonArguments arguments,
            ImageLock lock,
            @Nullable KernelDevice device,
            @Nullable DeviceNames names,
            @Nullable NodeWatch watch,
            String announcement) {
        this.directory = arguments.unitDirectory();
        this.lock = lock;
        this.device = device;
        this.names = names;
        this.watch = watch;
        this.announcement = announcement;
    }

    /** How much memory the device's requests need, whichever it will be. */
    static int memoryBytes(DaemonArguments arguments) {
        String export = arguments.options().export();
        boolean served = !List.of(AttachOptions.NBD, AttachOptions.LOOP, AttachOptions.DM)
                .contains(export);
        return served ? DataPath.bounded(Server.ARENA_BYTES, UblkQueue.MEMORY_BYTES) : 0;
    }

    /**
     * Makes the device that {@code arguments} ask for, or the best block device there is.
     *
     * @param made hears of each device as soon as it is there, and before it is known whether it can be used
     * @throws IOException the one that was asked for can't be had
     */
    static HostDevices make(
            DaemonArguments arguments,
            AttachedImage image,
            QueueThread queue,
            ImagePartitions partitions,
            Removal removal,
            Consumer<KernelDevice> made)
            throws IOException {
        String export = arguments.options().export();
        // Of a disk that crashed: what it leads to may be another's.
        NameList.removeAll(arguments.unitDirectory());
        DeviceNames names = new DeviceNames(arguments.unitDirectory());
        DeviceMaker maker = new DeviceMaker(arguments, image, queue, names, partitions, removal, made);
        if (export.equals(AttachOptions.AUTO)) {
            return best(arguments, maker);
        }
        if (export.equals(AttachOptions.NBD)) {
            return new HostDevices(arguments, image.lock(), null, null, null, "");
        }
        if (!export.equals(AttachOptions.FUSE)) {
            partitions.requireFit();
        }
        try {
            if (!export.equals(AttachOptions.FUSE)) {
                names.requireFree();
            }
            return named(maker, maker.make(export), "");
        } catch (IOException e) {
            throw new IOException(arguments.options().file() + ": no " + export + ": " + Reason.withFile(e), e);
        }
    }

    private static HostDevices best(DaemonArguments arguments, DeviceMaker first) throws IOException {
        if (arguments.listenDescriptor().isPresent()) {
            // Whoever brings a socket wants the disk there.
            return new HostDevices(arguments, first.image().lock(), null, null, null, "");
        }
        if (FuseMount.userId() != 0) {
            return none(arguments, first.image().lock(), "that takes root");
        }
        DeviceMaker maker = first;
        String missing = RootPower.missing();
        boolean fit = maker.partitions().fit();
        if (!fit && !missing.isEmpty()) {
            return none(arguments, first.image().lock(), missing);
        }
        if (!fit && maker.mayMake()) {
            // Not after it was made: somebody may mount what is cut.
            maker.partitions().requireFit();
        }
        try {
            maker.names().requireFree();
        } catch (IOException anothers) {
            return none(arguments, first.image().lock(), String.valueOf(anothers.getMessage()));
        }
        List<String> reasons = new ArrayList<>();
        for (String export : ORDER) {
            KernelDevice device;
            try {
                device = maker.make(export);
            } catch (IOException e) {
                reasons.add("no " + export + ": " + Reason.withFile(e));
                continue;
            }
            if (!fit) {
                try {
                    maker.partitions().requireFit();
                } catch (IOException misfit) {
                    removeUnusable(device, maker, misfit);
                    throw misfit;
                }
            }
            try {
                String why = reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")";
                return named(maker, device, " by " + export + why);
            } catch (IOException e) {
                // They were withdrawn.
                maker = maker.with(new DeviceNames(arguments.unitDirectory()));
                reasons.add("no " + export + ": " + Reason.withFile(e));
            }
        }
        String why = String.join("; ", reasons);
        if (!missing.isEmpty()) {
            Log.line(why);
        }
        return none(arguments, first.image().lock(), missing.isEmpty() ? why : missing);
    }

    /** The user is told how the disk is reached. */
    private static HostDevices none(DaemonArguments arguments, ImageLock lock, String why) {
        String uri = NbdSocket.uri(NbdSocket.of(arguments));
        String announcement = arguments.unit().name() + ": " + uri + " (no block device: " + why + ")";
        return new HostDevices(arguments, lock, null, null, null, announcement);
    }

    private static HostDevices named(DeviceMaker maker, KernelDevice device, String how) throws IOException {
        DaemonArguments arguments = maker.arguments();
        DeviceNames names = maker.names();
        if (device.export().equals(AttachOptions.FUSE)) {
            return new HostDevices(arguments, maker.image().lock(), device, null, null, "");
        }
        Optional<String> path;
        NodeWatch watch;
        try {
            firstNames(device, names);
            maker.partitions().settle(device);
            path = firstNames(device, names);
            device.whenLost(() -> lost(device, names));
            watch = new NodeWatch(device.node(), written -> refresh(device, names, written));
        } catch (IOException | RuntimeException | Error e) {
            removeUnusable(device, maker, e);
            throw e;
        }
        String announcement = how.isEmpty() ? "" : arguments.unit().name() + ": " + path.orElse(device.node()) + how;
        return new HostDevices(arguments, maker.image().lock(), device, names, watch, announcement);
    }

    private static void removeUnusable(KernelDevice device, DeviceMaker maker, Throwable cause) {
        DeviceNames names = maker.names();
        try {
            names.withdraw();
        } catch (IOException left) {
            cause.addSuppressed(left);
        }
        maker.removal().certain(device, cause);
        maker.image().lock().kernelServesNone();
        try {
            names.remove();
        } catch (IOException left) {
            cause.addSuppressed(left);
        }
    }

    /** The disk must have its name; a partition may do without. */
    private static Optional<String> firstNames(KernelDevice device, DeviceNames names) throws IOException {
        String problem = device.node() + " was taken away";
        try {
            names.refresh();
        } catch (IOException e) {
            problem = Reason.withFile(e);
            Log.line("names: " + problem);
        }
        Optional<String> path = names.path();
        if (path.isEmpty()) {
            throw new IOException(problem);
        }
        return path;
    }

    private static void lost(KernelDevice device, DeviceNames names) {
        try {
            // If the device was taken away in order, they are gone already.
            names.remove();
        } catch (IOException e) {
            Log.line("names of " + device.node() + ", which is gone: " + e);
        }
    }

    /** Partitions may have come or gone. */
    private static void refresh(KernelDevice device, DeviceNames names, boolean written) {
        try {
            if (written) {
                device.lookForPartitions();
            }
            names.refresh();
        } catch (IOException e) {
            Log.line("names of partitions: " + e);
        }
    }

    /** Looks after the device, once a second. Why the disk must fail, if it must. */
    Optional<String> look() {
        if (device == null) {
            return Optional.empty();
        }
        Optional<String> problem = Optional.empty();
        String failed = "";
        try {
            problem = device.look();
        } catch (IOException e) {
            failed = e.toString();
        }
        lookAtNames();
        if (!failed.isEmpty() && !failed.equals(lookFailed)) {
            Log.line("looking after " + device.node() + ": " + failed + " (tried again every second)");
        }
        lookFailed = failed;
        return problem;
    }

    /** Makes names that are missing. */
    void lookAtNames() {
        if (names == null) {
            return;
        }
        String missing = "";
        try {
            names.refresh();
        } catch (IOException e) {
            missing = Reason.withFile(e);
        }
        if (!missing.isEmpty() && !missing.equals(missingName)) {
            Log.line("names: " + missing + " (tried again every second)");
        }
        missingName = missing;
    }

    /** Which name can't be had as of the last look, and why; empty if all are there. */
    String missingName() {
        return missingName;
    }

    /** Whether there still is a device whose requests the kernel serves by itself. */
    boolean servedByKernel() {
        return device != null && !removed && device.servedByKernel();
    }

    /** What was taken and why nothing better, a line for the user; empty if he chose himself. */
    String announcement() {
        return announcement;
    }

    /** Which export there is beside NBD, as in {@code --export}. */
    Optional<String> exportWord() {
        return device == null ? Optional.empty() : Optional.of(device.export());
    }

    /** The way to the device, as users and programs take it; none if its name leads elsewhere already. */
    Optional<Export> export() throws IOException {
        if (device == null) {
            return Optional.empty();
        }
        Optional<String> path = names == null ? Optional.of(device.node()) : names.path();
        return path.isEmpty() ? Optional.empty() : Optional.of(new Export(device.export(), path.get()));
    }

    /** Takes device and names away, once; after a failure it may be called again. */
    void remove() throws IOException {
        remove(BUSY_ATTEMPTS);
    }

    /** Does so if nobody uses it at this moment: for whoever asks again and again. */
    void removeIfUnused() throws IOException {
        remove(0);
    }

    private void remove(int busyAttempts) throws IOException {
        if (device == null || removed) {
            return;
        }
        if (names == null) {
            device.remove();
        } else {
            removeNamed(device, names, busyAttempts);
        }
        removed = true;
        lock.kernelServesNone();
        if (watch != null) {
            watch.end();
        }
        Leftover.forget(directory);
        if (names == null) {
            Files.deleteIfExists(Path.of(device.node()).getParent());
        } else {
            names.remove();
        }
    }

    /** Names go first, because they may lead to another's disk from the moment on at which the device is gone. */
    private static void removeNamed(KernelDevice device, DeviceNames names, int busyAttempts) throws IOException {
        if (names.path().isPresent()) {
            requireUnused(Path.of(device.node()).getFileName().toString(), busyAttempts);
        }
        try {
            names.withdraw();
            device.remove();
        } catch (IOException | RuntimeException | Error e) {
            try {
                names.restore();
            } catch (IOException missing) {
                e.addSuppressed(missing);
            }
            throw e;
        }
    }

    /** So that the names of a disk in use don't go and come back. */
    private static void requireUnused(String disk, int attempts) throws IOException {
        Optional<String> users = DeviceUsers.of(disk);
        for (int attempt = 0; users.isPresent(); attempt++) {
            if (attempt == attempts) {
                throw new DeviceBusyException(users.get());
            }
            LockSupport.parkNanos(BUSY_PAUSE_NANOS);
            users = DeviceUsers.of(disk);
        }
    }
}
