package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.control.DaemonArguments;
import org.vnd.export.KernelDevice;
import org.vnd.export.KernelModule;
import org.vnd.export.Removal;
import org.vnd.export.fuse.FuseMount;
import org.vnd.export.fuse.FuserMount;
import org.vnd.export.fuse.HiddenMount;
import org.vnd.export.fuse.Server;
import org.vnd.export.kernel.DiskRuns;
import org.vnd.export.kernel.DmDevice;
import org.vnd.export.kernel.LeftLoop;
import org.vnd.export.kernel.LoopDevice;
import org.vnd.export.kernel.NbdDevice;
import org.vnd.export.kernel.NbdShape;
import org.vnd.export.kernel.NbdTimeouts;
import org.vnd.export.ublk.DiskShape;
import org.vnd.export.ublk.UblkControl;
import org.vnd.export.ublk.UblkQueue;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;
import org.vnd.image.FilePlace;
import org.vnd.image.KernelServed;
import org.vnd.mem.BufferPool;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.ring.UringRing;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.OwnProgram;
import org.vnd.sys.SysException;

/** Makes one of the devices of this host that lead to the disk; what can't be had leaves nothing and says why. */
record DeviceMaker(
        DaemonArguments arguments,
        AttachedImage image,
        QueueThread queue,
        DeviceNames names,
        ImagePartitions partitions,
        Removal removal,
        Consumer<KernelDevice> madeOne) {
    /** There where the kernel knows them. */
    private static final Path FUSE_TIMEOUTS = Path.of("/proc/sys/fs/fuse/max_request_timeout");

    /** This one, with other names. */
    DeviceMaker with(DeviceNames others) {
        return new DeviceMaker(arguments, image, queue, others, partitions, removal, madeOne);
    }

    /** The device of {@code export}, one of {@link AttachOptions}. */
    KernelDevice make(String export) throws IOException {
        boolean byKernel = export.equals(AttachOptions.LOOP) || export.equals(AttachOptions.DM);
        if (byKernel) {
            // Before anybody can write to it.
            image.lock().kernelWillServe();
        }
        KernelDevice device;
        try {
            device = made(export);
        } catch (IOException | RuntimeException | Error e) {
            image.lock().kernelServesNone();
            throw e;
        }
        assert device.servedByKernel() == byKernel : export;
        madeOne.accept(device);
        try {
            if (export.equals(AttachOptions.LOOP)) {
                tellLock(device.node(), device.failCommand());
            }
            device.kept();
        } catch (IOException | RuntimeException | Error e) {
            removal.certain(device, e);
            image.lock().kernelServesNone();
            throw e;
        }
        return device;
    }

    /** So that what the kernel serves fails with the lock, also when this process is dead. */
    private void tellLock(String device, List<String> failCommand) throws IOException {
        BlockNode node = BlockNode.disk(Path.of(device).getFileName().toString());
        image.lock().kernelServes(new KernelServed(device, node.number(), node.mark(), failCommand));
    }

    private KernelDevice made(String export) throws IOException {
        switch (export) {
            case AttachOptions.LOOP:
                return loop();
            case AttachOptions.DM:
                return dm();
            case AttachOptions.UBLK:
                return ublk();
            case AttachOptions.NBD_KERNEL:
                return nbd();
            case AttachOptions.FUSE_LOOP:
                return fuseLoop();
            case AttachOptions.FUSE:
                return fuse();
            default:
                throw new IllegalArgumentException(export);
        }
    }

    /** Whether a block device may be had here, as far as that shows without making one. */
    boolean mayMake() {
        boolean loop = opens("/dev/loop-control") && (isOneRun() || opens("/dev/fuse"));
        return loop || opens("/dev/ublk-control") || Files.exists(Path.of("/sys/module/nbd"));
    }

    private static boolean opens(String node) {
        int fd = FileCalls.open(node, FileCalls.O_RDWR);
        if (fd >= 0) {
            FileCalls.close(fd);
        }
        return fd >= 0;
    }

    private boolean isOneRun() {
        ExtentMap map = image.map();
        return image.engine() == Engine.PHYSICAL
                && map != null
                && map.endBytes(map.find(image.offsetBytes())) >= image.offsetBytes() + image.sizeBytes();
    }

    /** The logical block that programs see. */
    private int sectorBytes() {
        return partitions.sectorBytes();
    }

    private int timeoutSeconds() {
        return (int) arguments.options().timeoutSeconds();
    }

    /** The kernel's loop driver, where the whole disk is one run of the device below. */
    private KernelDevice loop() throws IOException {
        ExtentMap map = image.map();
        if (image.engine() != Engine.PHYSICAL || map == null) {
            throw new IOException("it needs the physical engine: " + image.engineReason());
        }
        int first = map.find(image.offsetBytes());
        if (!isOneRun()) {
            throw new IOException("it needs an image in one extent, this has " + map.count());
        }
        if (sectorBytes() < image.blockBytes()) {
            throw new IOException("it can't have sectors of " + sectorBytes() + " bytes" + partitions.sectorReason()
                    + " on a device with blocks of " + image.blockBytes() + partitions.otherExports());
        }
        long offsetBytes = map.physicalBytes(first) + image.offsetBytes() - map.startBytes(first);
        String device = "/proc/" + ProcessHandle.current().pid() + "/fd/" + image.fd();
        try {
            return LoopDevice.attach(
                    OwnProgram.folder(), AttachOptions.LOOP, backing(device, offsetBytes, null), names, removal);
        } catch (IOException | RuntimeException | Error e) {
            removeLeft(offsetBytes, wholeSectorBytes(), e);
            throw e;
        }
    }

    /** What writes to the image's blocks, though nobody has said that it was made: its program may have been killed before. */
    private void removeLeft(long offsetBytes, long sizeBytes, Throwable cause) {
        removal.certain(AttachOptions.LOOP, cause, () -> {
            while (true) {
                String left = image.loopOn(offsetBytes, sizeBytes);
                if (left.isEmpty()) {
                    return;
                }
                BlockNode node = BlockNode.disk(Path.of(left).getFileName().toString());
                if (!left.equals(image.loopOn(offsetBytes, sizeBytes))) {
                    // It went, and what has its name is another's.
                    continue;
                }
                KernelDevice device = new LeftLoop(OwnProgram.folder(), AttachOptions.LOOP, node);
                madeOne.accept(device);
                removal.certain(device, cause);
            }
        });
    }

    /** Straight to what lies below the device mapper's device that the file system is on. */
    private KernelDevice dm() throws IOException {
        ExtentMap map = image.map();
        if (image.engine() != Engine.PHYSICAL || map == null) {
            throw new IOException("it needs the physical engine: " + image.engineReason());
        }
        if (sectorBytes() != image.blockBytes()) {
            throw new IOException(
                    "it has the device's block of " + image.blockBytes() + " bytes for a sector, and can't have "
                            + sectorBytes() + partitions.sectorReason() + partitions.otherExports());
        }
        DiskRuns runs = new DiskRuns();
        map.pieces(image.offsetBytes(), image.sizeBytes(), runs::add);
        FilePlace place = image.place();
        return DmDevice.attach(
                image.fd(),
                place.deviceMajor(),
                place.deviceMinor(),
                place.inode(),
                runs,
                image.blockBytes(),
                image.readOnly(),
                arguments.unit().name(),
                names,
                this::tellLock,
                removal);
    }

    /** The size of a block device of it. */
    private long wholeSectorBytes() {
        return image.sizeBytes() / sectorBytes() * sectorBytes();
    }

    private LoopDevice.Backing backing(String path, long offsetBytes, @Nullable BooleanSupplier servedHere) {
        String label = arguments.options().file();
        return new LoopDevice.Backing(
                path, offsetBytes, wholeSectorBytes(), sectorBytes(), image.readOnly(), label, servedHere);
    }

    private KernelDevice ublk() throws IOException {
        if (!(queue.ring() instanceof UringRing)) {
            throw new IOException(
                    "it needs io_uring, and there is " + queue.ring().description());
        }
        if (timeoutSeconds() > 0) {
            throw new IOException("it has no timeouts");
        }
        KernelModule.load("ublk_drv");
        DiskShape shape = queue.ask(() -> DiskShape.of(queue.engine(), sectorBytes()));
        UblkControl control;
        try {
            control = UblkControl.add(shape, true);
        } catch (SysException e) {
            boolean missing = e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV;
            throw missing ? new IOException("the kernel has no ublk driver (modprobe ublk_drv)", e) : e;
        }
        UblkQueue requests;
        try {
            requests = queue.add(
                    parts -> new UblkQueue((UringRing) parts.ring(), parts.engine(), parts.deviceMemory(), control));
        } catch (IOException | RuntimeException | Error e) {
            removal.certain(control, e);
            throw e;
        }
        try {
            Leftover.note(arguments.unitDirectory(), AttachOptions.UBLK, Integer.toString(control.number()));
            control.start(names);
            return control;
        } catch (IOException | RuntimeException | Error e) {
            removal.certain(control, e);
            queue.drop(requests);
            Leftover.forget(arguments.unitDirectory());
            throw e;
        }
    }

    private KernelDevice nbd() throws IOException {
        NbdShape shape = queue.ask(() -> NbdShape.of(queue.engine(), sectorBytes()));
        NbdTimeouts timeouts =
                timeoutSeconds() == 0 ? NbdTimeouts.DEFAULT : NbdTimeouts.withinSeconds(timeoutSeconds());
        // Unlike that of any other disk of this host, whoever runs it.
        String identifier =
                arguments.unitDirectory() + " " + ProcessHandle.current().pid();
        // Before it is there: killed in between, it would be found by nobody.
        Leftover.note(arguments.unitDirectory(), AttachOptions.NBD_KERNEL, identifier);
        return NbdDevice.attach(shape, timeouts, identifier, queue::adopt, names);
    }

    /** A loop device on a file that is seen nowhere else; served by this process, and gone with it. */
    private KernelDevice fuseLoop() throws IOException {
        requireFuseTimeouts();
        int fd = openFuse();
        HiddenMount mount;
        try {
            mount = HiddenMount.mount(fd, arguments.unit().name(), image.readOnly());
        } catch (SysException e) {
            FileCalls.close(fd);
            throw e;
        }
        try (mount) {
            Server server = serve(fd, true);
            try {
                return LoopDevice.attach(
                        OwnProgram.folder(),
                        AttachOptions.FUSE_LOOP,
                        backing(mount.file(), 0, server::servesKernel),
                        names,
                        removal);
            } catch (IOException | RuntimeException | Error e) {
                queue.drop(server);
                throw e;
            }
        }
    }

    private KernelDevice fuse() throws IOException {
        requireFuseTimeouts();
        Path folder = arguments.unitDirectory().resolve(arguments.unit().name() + ".fuse");
        Files.createDirectories(folder);
        if (FuseMount.userId() != 0) {
            Path socket = arguments.unitDirectory().resolve("fuse.sock");
            String source = arguments.unit().name();
            Leftover.note(arguments.unitDirectory(), AttachOptions.FUSE, folder.toString());
            FuserMount mount = FuserMount.mount(OwnProgram.folder(), folder, socket, source, image.readOnly());
            return served(mount, mount.fuseFd());
        }
        int fd = openFuse();
        KernelDevice mount;
        try {
            mount = FuseMount.mount(fd, folder, arguments.unit().name(), image.readOnly());
        } catch (IOException e) {
            FileCalls.close(fd);
            throw e;
        }
        return served(mount, fd);
    }

    private KernelDevice served(KernelDevice mount, int fd) throws IOException {
        try {
            serve(fd, false);
        } catch (IOException | RuntimeException | Error e) {
            mount.remove();
            throw e;
        }
        return mount;
    }

    private void requireFuseTimeouts() throws IOException {
        if (timeoutSeconds() > 0) {
            KernelModule.load("fuse");
            if (!Files.exists(FUSE_TIMEOUTS)) {
                throw new IOException("the kernel's FUSE has no timeouts (Linux 6.15)");
            }
        }
    }

    private static int openFuse() throws IOException {
        KernelModule.load("fuse");
        try {
            return FuseMount.openDevice();
        } catch (SysException e) {
            throw switch (e.errno()) {
                case Errno.ENOENT ->
                    FuseMount.isKnown()
                            ? new IOException(
                                    "there is no /dev/fuse here, although the kernel has FUSE (mknod /dev/fuse c 10 229,"
                                            + " or give the container that device)",
                                    e)
                            : new IOException("the kernel has no FUSE (modprobe fuse)", e);
                case Errno.ENODEV, Errno.ENXIO -> new IOException("the kernel has no FUSE (modprobe fuse)", e);
                default -> e;
            };
        }
    }

    private Server serve(int fd, boolean underLoop) throws IOException {
        try {
            return queue.add(parts -> {
                BufferPool buffers = new BufferPool(parts.deviceMemory());
                Server server = new Server(parts.ring(), buffers, parts.engine(), fd, Log::line);
                if (underLoop) {
                    server.serveLoop();
                }
                if (timeoutSeconds() > 0) {
                    server.giveUpAfter(timeoutSeconds());
                }
                return server;
            });
        } catch (IOException | RuntimeException | Error e) {
            // There is no server whose it would be: whoever looks at the mount gets ENOTCONN, and doesn't wait.
            FileCalls.close(fd);
            throw e;
        }
    }
}
