package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Export;
import org.vnd.export.KernelDevice;
import org.vnd.export.fuse.FuseMount;
import org.vnd.export.fuse.Server;
import org.vnd.export.ublk.UblkQueue;
import org.vnd.image.AttachedImage;

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

    private final Path directory;
    private final @Nullable KernelDevice device;
    private final @Nullable DeviceLinks links;
    private final @Nullable NodeWatch watch;
    private final String announcement;
    /** Why the last look failed, so that the log has it once; empty if it didn't. */
    private String lookFailed = "";

    private boolean removed;

    private HostDevices(
            DaemonArguments arguments,
            @Nullable KernelDevice device,
            @Nullable DeviceLinks links,
            @Nullable NodeWatch watch,
            String announcement) {
        this.directory = arguments.unitDirectory();
        this.device = device;
        this.links = links;
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
     * @throws IOException the one that was asked for can't be had
     */
    static HostDevices make(DaemonArguments arguments, AttachedImage image, QueueThread queue) throws IOException {
        String export = arguments.options().export();
        DeviceMaker maker = new DeviceMaker(arguments, image, queue);
        if (export.equals(AttachOptions.AUTO)) {
            return best(arguments, maker);
        }
        if (export.equals(AttachOptions.NBD)) {
            return new HostDevices(arguments, null, null, null, "");
        }
        if (!export.equals(AttachOptions.FUSE)) {
            maker.requirePartitionsFit();
        }
        KernelDevice device;
        try {
            device = maker.make(export);
        } catch (IOException e) {
            throw new IOException(arguments.options().file() + ": no " + export + ": " + e.getMessage(), e);
        }
        return named(arguments, device, "");
    }

    private static HostDevices best(DaemonArguments arguments, DeviceMaker maker) throws IOException {
        if (arguments.listenDescriptor().isPresent()) {
            // Whoever brings a socket wants the disk there.
            return new HostDevices(arguments, null, null, null, "");
        }
        if (FuseMount.userId() != 0) {
            return none(arguments, "that takes root");
        }
        maker.requirePartitionsFit();
        List<String> reasons = new ArrayList<>();
        for (String export : ORDER) {
            try {
                KernelDevice device = maker.make(export);
                String why = reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")";
                return named(arguments, device, " by " + export + why);
            } catch (IOException e) {
                reasons.add("no " + export + ": " + e.getMessage());
            }
        }
        String why = String.join("; ", reasons);
        String missing = RootPower.missing();
        if (!missing.isEmpty()) {
            Log.line(why);
        }
        return none(arguments, missing.isEmpty() ? why : missing);
    }

    /** The user is told how the disk is reached. */
    private static HostDevices none(DaemonArguments arguments, String why) {
        String uri = NbdSocket.uri(Disk.socket(arguments));
        String announcement = arguments.unit().name() + ": " + uri + " (no block device: " + why + ")";
        return new HostDevices(arguments, null, null, null, announcement);
    }

    private static HostDevices named(DaemonArguments arguments, KernelDevice device, String how) throws IOException {
        if (device.export().equals(AttachOptions.FUSE)) {
            return new HostDevices(arguments, device, null, null, "");
        }
        String name = Path.of(device.node()).getFileName().toString();
        DeviceLinks links = new DeviceLinks(arguments.state(), arguments.unit(), name);
        try {
            links.refresh();
        } catch (IOException | RuntimeException e) {
            device.remove();
            throw e;
        }
        NodeWatch watch = new NodeWatch(device.node(), written -> refresh(device, links, written));
        String announcement = how.isEmpty() ? "" : arguments.unit().name() + ": " + links.path() + how;
        return new HostDevices(arguments, device, links, watch, announcement);
    }

    /** Partitions may have come or gone. */
    private static void refresh(KernelDevice device, DeviceLinks links, boolean written) {
        try {
            if (written) {
                device.lookForPartitions();
            }
            links.refresh();
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
            if (links != null) {
                links.refresh();
            }
        } catch (IOException e) {
            failed = e.toString();
        }
        if (!failed.isEmpty() && !failed.equals(lookFailed)) {
            Log.line("looking after " + device.node() + ": " + failed + " (tried again every second)");
        }
        lookFailed = failed;
        return problem;
    }

    /** Whether there is a device whose requests the kernel serves by itself. */
    boolean servedByKernel() {
        return device != null && device.servedByKernel();
    }

    /** The disk has failed. */
    void fail() {
        try {
            if (device != null) {
                device.fail();
            }
        } catch (IOException e) {
            Log.line("its block device goes on: " + e);
        }
    }

    /** What was taken and why nothing better, a line for the user; empty if he chose himself. */
    String announcement() {
        return announcement;
    }

    /** The way to the device, as users and programs take it. */
    Optional<Export> export() {
        if (device == null) {
            return Optional.empty();
        }
        String path = links == null ? device.node() : links.path().toString();
        return Optional.of(new Export(device.export(), path));
    }

    /** Takes device and names away, once; after a failure it may be called again. */
    synchronized void remove() throws IOException {
        if (device == null || removed) {
            return;
        }
        device.remove();
        removed = true;
        if (watch != null) {
            watch.end();
        }
        Leftover.forget(directory);
        if (links == null) {
            Files.deleteIfExists(Path.of(device.node()).getParent());
        } else {
            links.remove();
        }
    }
}
