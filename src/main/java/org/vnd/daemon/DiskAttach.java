package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.control.AttachOptions;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Export;
import org.vnd.control.ImagePlace;
import org.vnd.control.PrintableText;
import org.vnd.control.Reason;
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

/** Attaches an image and puts a disk together, on the thread that owns the disk from then on. What fails leaves nothing. */
final class DiskAttach {
    private final DaemonArguments arguments;
    private final Unit unit;
    private final AttachListener attaching;
    private final List<String> unprotected;

    private DiskAttach(DaemonArguments arguments, AttachListener attaching, List<String> unprotected) {
        this.arguments = arguments;
        this.unit = arguments.unit();
        this.attaching = attaching;
        this.unprotected = unprotected;
    }

    /**
     * Attaches the image and begins to serve it, by a unit whose last disk has left nothing. When this returns, the disk answers
     * requests; what is asked of itself waits for {@link Disk#run}.
     *
     * @throws IOException with the line for the user; the image is as it was before
     */
    static Disk attach(DaemonArguments arguments, AttachListener attaching, List<String> unprotected)
            throws IOException {
        return new DiskAttach(arguments, attaching, unprotected).attach();
    }

    private Disk attach() throws IOException {
        Path record = arguments.state().record(unit);
        AttachOptions options = arguments.options();
        try {
            AttachedImage image = AttachedImage.attach(
                    request(options, unit),
                    attaching,
                    place -> UnitRecord.attaching(unit, options.file(), options.readOnly(), pid(), place(place))
                            .write(record));
            try {
                return serve(image);
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
            Files.deleteIfExists(NbdSocket.of(arguments));
            throw e;
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(NbdSocket.of(arguments));
            Files.deleteIfExists(record);
            throw e;
        }
    }

    private Disk serve(AttachedImage image) throws IOException {
        Gate gate = new Gate(image.lock().breakNanos(), image.lock()::holds);
        ImagePartitions partitions = ImagePartitions.of(image, arguments.options());
        Path socket = NbdSocket.of(arguments);
        boolean inherited = arguments.listenDescriptor().isPresent();
        int listener = inherited ? arguments.listenDescriptor().get() : NbdSocket.listen(socket);
        Options nbd =
                new Options(unit.name(), PrintableText.of(arguments.options().file()), Log::line);
        // Smaller requests are done too: only who asked for larger ones gets clients that make none.
        nbd.minimumBlockBytes = arguments.options().sectorBytes(1);
        int deviceMemoryBytes = HostDevices.memoryBytes(arguments);
        QueueThread queue = QueueThread.start(() -> DataPath.make(image, gate, listener, nbd, deviceMemoryBytes));
        Disk disk = new Disk(arguments, image, gate, queue, listener);
        try {
            // First: without it requests wait, those of the kernel to a new device too.
            disk.startWatching();
            HostDevices devices = HostDevices.make(arguments, image, queue, partitions, removal(disk), disk::failsToo);
            try {
                disk.serve(devices);
                UnitRecord record = record(
                        image,
                        devices,
                        queue.ring().description(),
                        inherited ? InheritedSocket.uri(listener) : NbdSocket.uri(socket),
                        partitions.sectorBytes());
                for (String warning : partitions.warnings(devices.export().isPresent())) {
                    attaching.warning(warning);
                }
                devices.lookAtNames();
                if (!devices.missingName().isEmpty()) {
                    attaching.warning(unit.name() + ": " + devices.missingName());
                }
                disk.complete(record);
            } catch (IOException | RuntimeException | Error e) {
                removeForCertain(disk, devices, e);
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            disk.takeApart();
            throw e;
        }
        return disk;
    }

    private void removeForCertain(Disk disk, HostDevices devices, Throwable cause) {
        try {
            devices.remove();
        } catch (IOException | RuntimeException | Error again) {
            removal(disk).certain("its block device", cause, () -> removeUnlessDead(devices));
            disk.listed().pending("");
        }
    }

    /** Whatever is left of a device whose requests aren't the kernel's, nobody answers them. */
    private static void removeUnlessDead(HostDevices devices) throws IOException {
        try {
            devices.removeIfUnused();
        } catch (IOException | RuntimeException | Error e) {
            if (e instanceof DeviceBusyException || devices.servedByKernel()) {
                throw e;
            }
            Log.line("its block device can't be taken away: " + Reason.withFile(e));
        }
    }

    /** Says for whom it waits: to the one who waits for the disk, in the log, and in a listing. */
    private Removal removal(Disk disk) {
        return new Removal((device, cause, reason) -> {
            String who = Reason.withFile(reason);
            disk.listed().pending(who);
            tell(unit.name() + ": " + device + " can't be used (" + Reason.withFile(cause)
                    + "), and waits to be taken away: " + who);
        });
    }

    private void tell(String text) {
        Log.line(text);
        try {
            attaching.warning(text);
        } catch (IOException nobodyWaits) {
            // What is told goes on.
        }
    }

    private UnitRecord record(AttachedImage image, HostDevices devices, String ring, String uri, int sectorBytes)
            throws IOException {
        AttachOptions options = arguments.options();
        ExtentMap map = image.map();
        List<String> without = new ArrayList<>(unprotected);
        without.addAll(image.lock().unprotected());
        List<Export> exports = new ArrayList<>();
        exports.add(new Export("nbd", uri));
        devices.export().ifPresent(exports::add);
        return new UnitRecord(
                unit.name(),
                options.file(),
                image.sizeBytes(),
                options.readOnly(),
                image.engine() == Engine.PHYSICAL ? "physical" : "file",
                image.engineReason(),
                ring,
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

    private static long pid() {
        return ProcessHandle.current().pid();
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
}
