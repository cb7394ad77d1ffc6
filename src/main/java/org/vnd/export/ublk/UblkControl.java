package org.vnd.export.ublk;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
import org.vnd.export.KernelDevice;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.ring.CommandRing;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Ublk;
import org.vnd.sys.abi.UblkControlCommand;
import org.vnd.sys.abi.UblkDeviceInfo;
import org.vnd.sys.abi.UblkParameters;

/** A device of the ublk driver. Not for the queue's thread, which answers meanwhile what these methods wait for. */
public final class UblkControl implements KernelDevice {
    private static final String CONTROL = "/dev/ublk-control";
    /** As long as there are devices of it. */
    private static final Path DRIVER = Path.of("/sys/class/misc/ublk-control");

    /** The most that one discard or writing of zeroes names: no request holds the queue up for long. */
    private static final long RANGE_LIMIT_BYTES = 128L << 20;

    /** "vnd ", above the number of a process. */
    private static final long MARK = 0x766E_6420L << Integer.SIZE;

    private final CommandRing ring;
    private final int control;
    private int device = UblkDeviceInfo.ANY_DEVICE;
    private boolean userCopy;
    /** What has its name as long as it is ours. */
    private @Nullable BlockNode identity;
    /** It has no requests and no users any more, but its number still. */
    private boolean stopped;

    private UblkControl(CommandRing ring, int control) {
        this.ring = ring;
        this.control = control;
    }

    /**
     * Makes a device for a disk, which isn't there for others before {@link #start}.
     *
     * @param copy whether data may be copied by system calls of ours rather than in the driver's commands; without effect
     *     where the driver can't
     * @throws SysException ENOENT (no module ublk_drv), EACCES, EPERM (io_uring is off), EOPNOTSUPP (Linux before 6.5),
     *     ENOSPC, EEXIST
     */
    public static UblkControl add(DiskShape shape, boolean copy) throws SysException {
        int control = (int) Libc.check(FileCalls.open(CONTROL, FileCalls.O_RDWR), "open", CONTROL);
        CommandRing ring;
        try {
            ring = new CommandRing();
        } catch (SysException e) {
            FileCalls.close(control);
            throw e;
        }
        UblkControl made = new UblkControl(ring, control);
        try {
            made.make(shape, copy);
        } catch (SysException | RuntimeException | Error e) {
            made.discard();
            throw e;
        }
        return made;
    }

    /**
     * Removes the device {@code number} if its server was the process {@code pid}, which has ended: the driver then answers
     * requests with errors, but keeps the device.
     *
     * @throws SysException the driver refused, or can't be asked; it may still be there
     */
    public static void removeDead(int number, long pid) throws SysException {
        int control = FileCalls.open(CONTROL, FileCalls.O_RDWR);
        if (control < 0) {
            if (Files.notExists(DRIVER) && Files.exists(DRIVER.getParent())) {
                return; // The driver is gone, and its devices with it.
            }
            throw new SysException("open", CONTROL, -control);
        }
        UblkControl dead;
        try {
            dead = new UblkControl(new CommandRing(), control);
        } catch (SysException e) {
            FileCalls.close(control);
            throw e;
        }
        boolean itsOwn;
        try {
            itsOwn = dead.isOf(number, pid);
        } catch (SysException e) {
            dead.close();
            throw e;
        }
        dead.device = itsOwn ? number : UblkDeviceInfo.ANY_DEVICE;
        dead.discard();
    }

    /** Whether there is a device {@code number}, and the process {@code pid} serves it, or did. */
    private boolean isOf(int number, long pid) throws SysException {
        ByteBuffer info = Libc.struct(UblkDeviceInfo.SIZE_BYTES);
        device = number;
        try {
            command(Ublk.UBLK_U_CMD_GET_DEV_INFO, "GET_DEV_INFO", info, 0);
        } catch (SysException e) {
            if (e.errno() == Errno.ENODEV) {
                return false;
            }
            throw e;
        }
        // Otherwise it is another's, which has got the number since.
        return UblkDeviceInfo.mark(info) == mark(pid) || UblkDeviceInfo.serverPid(info) == pid;
    }

    /** By which a device is known when its server is gone. */
    private static long mark(long pid) {
        return MARK | pid;
    }

    /** The number in its name. */
    public int number() {
        return device;
    }

    private void make(DiskShape shape, boolean copy) throws SysException {
        ByteBuffer features = Libc.struct(Long.BYTES);
        command(Ublk.UBLK_U_CMD_GET_FEATURES, "GET_FEATURES", features, 0);
        userCopy = copy && (features.getLong(0) & Ublk.UBLK_F_USER_COPY) != 0;
        ByteBuffer info = Libc.struct(UblkDeviceInfo.SIZE_BYTES);
        long wanted = Ublk.UBLK_F_CMD_IOCTL_ENCODE | (userCopy ? Ublk.UBLK_F_USER_COPY : 0);
        long mark = mark(ProcessHandle.current().pid());
        UblkDeviceInfo.encode(info, UblkQueue.DEPTH, UblkQueue.TRANSFER_BYTES, wanted, mark);
        command(Ublk.UBLK_U_CMD_ADD_DEV, "ADD_DEV", info, 0);
        device = UblkDeviceInfo.device(info);
        if (UblkDeviceInfo.depth(info) != UblkQueue.DEPTH || (UblkDeviceInfo.features(info) & wanted) != wanted) {
            throw new SysException("ADD_DEV", node(), Errno.EOPNOTSUPP);
        }
        ByteBuffer parameters = Libc.struct(UblkParameters.SIZE_BYTES);
        UblkParameters.encode(
                parameters,
                shape.sizeBytes(),
                shape.blockSizeBytes(),
                shape.readOnly(),
                UblkQueue.TRANSFER_BYTES,
                shape.trims() && !shape.readOnly() ? RANGE_LIMIT_BYTES : 0,
                shape.readOnly() ? 0 : RANGE_LIMIT_BYTES);
        command(Ublk.UBLK_U_CMD_SET_PARAMS, "SET_PARAMS", parameters, 0);
    }

    /**
     * Makes it appear, with its partitions. The queue must have been started.
     *
     * @param names of the disk, which are this device's from now on
     * @throws IOException the driver refused; the device is gone when the queue has ended
     */
    public void start(DeviceNames names) throws IOException {
        command(
                Ublk.UBLK_U_CMD_START_DEV,
                "START_DEV",
                Libc.struct(1),
                ProcessHandle.current().pid());
        identity = BlockNode.disk(name());
        names.use(identity);
        names.makeNode(identity);
    }

    private void command(int operation, String name, ByteBuffer buffer, long data) throws SysException {
        ByteBuffer command = Libc.struct(UblkControlCommand.SIZE_BYTES);
        UblkControlCommand.encode(command, device, Libc.address(buffer), buffer.capacity(), data);
        int result = ring.run(control, operation, command);
        Reference.reachabilityFence(buffer);
        Libc.check(result, name, device < 0 ? CONTROL : node());
    }

    /** The character device over which the queue speaks to the driver. */
    String characterNode() {
        return "/dev/ublkc" + device;
    }

    /**
     * Opens it. Where nobody makes its node, as in a container, it gets one for the moment that this takes: nobody else opens
     * it.
     */
    int openCharacter() {
        int opened = FileCalls.open(characterNode(), FileCalls.O_RDWR);
        if (opened != -Errno.ENOENT) {
            return opened;
        }
        String[] number;
        try {
            Path file = Path.of("/sys/class/ublk-char", "ublkc" + device, "dev");
            number = Files.readString(file).strip().split(":");
        } catch (IOException none) {
            return opened;
        }
        String node = "/dev/.vnd-" + ProcessHandle.current().pid() + "-ublkc" + device;
        int made = FileCalls.makeCharacterNode(node, Integer.parseInt(number[0]), Integer.parseInt(number[1]));
        if (made != 0) {
            return made;
        }
        opened = FileCalls.open(node, FileCalls.O_RDWR);
        FileCalls.unlink(node);
        return opened;
    }

    /** Whether data is copied by us. */
    boolean userCopy() {
        return userCopy;
    }

    @Override
    public String export() {
        return "ublk";
    }

    private String name() {
        return "ublkb" + device;
    }

    @Override
    public String node() {
        return "/dev/" + name();
    }

    /** Returns when the queue has given the character device back, which it does as soon as it has nothing in work. */
    @Override
    public void remove() throws IOException {
        if (!stopped && identity != null && !identity.isThere()) {
            // Somebody has deleted it, and the number may be another's.
            close();
            return;
        }
        if (!stopped) {
            int claim = claim();
            try {
                stop();
            } finally {
                // Before its number is let go, for which the driver waits until nobody has the device open.
                if (claim >= 0) {
                    FileCalls.close(claim);
                }
            }
            stopped = true;
        }
        delete();
        close();
    }

    /** Has the device to ourselves: nobody can mount it, nor a partition of it, before it is stopped. */
    private int claim() throws IOException {
        Optional<String> users = DeviceUsers.of(name());
        if (users.isPresent()) {
            throw new DeviceBusyException(users.get());
        }
        int claim = FileCalls.open(node(), FileCalls.O_RDONLY | FileCalls.O_EXCL);
        if (claim == -Errno.EBUSY) {
            // Who doesn't show in /proc, and has it to himself.
            throw new DeviceBusyException("something that /proc doesn't show has it open");
        }
        if (claim < 0 && identity != null) {
            throw new SysException("open", node(), -claim);
        }
        // Of one that wasn't started there is nothing to open.
        return claim;
    }

    private void stop() throws SysException {
        if (device != UblkDeviceInfo.ANY_DEVICE) {
            command(Ublk.UBLK_U_CMD_STOP_DEV, "STOP_DEV", Libc.struct(1), 0);
        }
    }

    private void delete() throws SysException {
        if (device != UblkDeviceInfo.ANY_DEVICE) {
            command(Ublk.UBLK_U_CMD_DEL_DEV, "DEL_DEV", Libc.struct(1), 0);
        }
    }

    private void discard() throws SysException {
        try {
            stop();
            delete();
        } finally {
            close();
        }
    }

    private void close() {
        ring.close();
        FileCalls.close(control);
    }
}
