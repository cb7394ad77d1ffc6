package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.vnd.mem.AlignedBuffer;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.sys.DeviceNumber;
import org.vnd.sys.DmRequest;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.OwnProgram;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.DmIoctl;

/**
 * A dm device of ours with a table of linear targets.
 *
 * <p>It is marked to be removed when its last user closes it, and a descriptor kept open is what keeps it: when the daemon
 * is killed, the kernel takes it away, at once or when whoever has it mounted lets it go. Only in the instant between its
 * creation and that mark does a killed daemon leave it behind; org.vnd.image.DmLeftovers finds it then.
 */
final class LinearDevice {
    /** Who has to know of a device before anybody can write to it. */
    interface Told {
        void hear(LinearDevice device) throws IOException;
    }

    private static final long GONE_POLL_NANOS = 1_000_000;

    /** From its removal until /sys has let go of it. */
    private static final int GONE_ATTEMPTS = 5000;

    private final int control;
    private final String uuid;
    private final DeviceNumber number;
    private final boolean readOnly;
    private final DeviceNames names;
    private int fd = -1;

    private LinearDevice(int control, String uuid, DmRequest created, boolean readOnly, DeviceNames names) {
        this.control = control;
        this.uuid = uuid;
        this.number = created.number();
        this.readOnly = readOnly;
        this.names = names;
    }

    /**
     * Makes it, with its node in /dev.
     *
     * @param control of {@link DmRequest#openControl}, which stays open as long as this is used
     * @param uuid that no other device has
     * @param names of the disk, for its node
     * @param beforeItServes hears of it when it is there and leads nowhere yet; what it throws ends it
     * @param unusable takes it away, with the cause, when it is there and can't be used
     * @throws SysException it can't be, and nothing is left; EBUSY if there is one of this name or UUID
     */
    static LinearDevice make(
            int control,
            String name,
            String uuid,
            LinearTable table,
            boolean readOnly,
            DeviceNames names,
            Told beforeItServes,
            BiConsumer<LinearDevice, Throwable> unusable)
            throws IOException {
        DmRequest create = new DmRequest().name(name).uuid(uuid);
        Libc.check(create.send(control, DmIoctl.DM_DEV_CREATE), "make the dm device", name);
        LinearDevice device = new LinearDevice(control, uuid, create, readOnly, names);
        try {
            // With its table it is in /sys (Linux 5.15); put to work, it serves.
            device.load(table);
            beforeItServes.hear(device);
            device.resume();
            names.makeNode(BlockNode.disk(device.name()));
            device.fd = (int) Libc.check(FileCalls.open(device.node(), FileCalls.O_RDONLY), "open", device.node());
            DmRequest mark = new DmRequest().uuid(uuid).flags(DmIoctl.DM_DEFERRED_REMOVE);
            Libc.check(mark.send(control, DmIoctl.DM_DEV_REMOVE), "mark the dm device", name);
            return device;
        } catch (IOException | RuntimeException | Error e) {
            unusable.accept(device, e);
            throw e;
        }
    }

    /** Takes it away, or throws because somebody has it open. */
    void requireRemoved() throws IOException {
        close();
        int result = new DmRequest().uuid(uuid).send(control, DmIoctl.DM_DEV_REMOVE);
        // The mark may have been quicker.
        if (result != 0 && result != -Errno.ENXIO) {
            throw new SysException("remove", name(), -result);
        }
        awaitEnd();
    }

    /** Has the kernel take it away when nobody has it open any more. If it won't, whoever takes the disk away finds it in use. */
    void removeLater() {
        close();
        new DmRequest().uuid(uuid).flags(DmIoctl.DM_DEFERRED_REMOVE).send(control, DmIoctl.DM_DEV_REMOVE);
    }

    private void load(LinearTable table) throws SysException {
        try (AlignedBuffer memory = new AlignedBuffer(DmRequest.DATA_OFFSET + table.encodedBytes())) {
            DmRequest load =
                    new DmRequest(memory.bytes()).uuid(uuid).flags(mode()).targets(table.count());
            table.encode(memory.bytes(), DmRequest.DATA_OFFSET);
            Libc.check(load.send(control, DmIoctl.DM_TABLE_LOAD), "load the table of", name());
        }
    }

    private int mode() {
        return readOnly ? DmIoctl.DM_READONLY_FLAG : 0;
    }

    /** Puts the loaded table to work, without waiting for anything to be written. */
    private void resume() throws SysException {
        DmRequest resume = new DmRequest().uuid(uuid).flags(DmIoctl.DM_SKIP_LOCKFS_FLAG | DmIoctl.DM_NOFLUSH_FLAG);
        Libc.check(resume.send(control, DmIoctl.DM_DEV_SUSPEND), "resume", name());
    }

    /** The kernel's name: {@code dm-3}. */
    String name() {
        return "dm-" + number.minor();
    }

    String node() {
        return "/dev/" + name();
    }

    int major() {
        return number.major();
    }

    int minor() {
        return number.minor();
    }

    /** Open for reading, or -1 once it is gone. */
    int fd() {
        return fd;
    }

    /** How often it is open, beside this descriptor. */
    int users() throws SysException {
        DmRequest status = new DmRequest().uuid(uuid);
        Libc.check(status.send(control, DmIoctl.DM_DEV_STATUS), "ask about", name());
        return status.openCount() - (fd >= 0 ? 1 : 0);
    }

    /** From now on every request is answered with EIO; those on the way are done first. Of one that has gone, there are none. */
    void fail(long sectors) throws SysException {
        ByteBuffer memory = Libc.struct(DmRequest.DATA_OFFSET + 64);
        DmRequest load = new DmRequest(memory).uuid(uuid).flags(mode()).targets(1);
        LinearTable.encode(memory, DmRequest.DATA_OFFSET, 0, sectors, "error", "");
        try {
            Libc.check(load.send(control, DmIoctl.DM_TABLE_LOAD), "load the table of", name());
            resume();
        } catch (SysException e) {
            // Another may be taking it away at this moment.
            if (e.errno() != Errno.ENXIO) {
                throw e;
            }
        }
    }

    /** What does so in another process: native/dm.c. */
    List<String> failCommand(long sectors) {
        return List.of(OwnProgram.path("vnd-dm"), "fail", uuid, Long.toString(sectors), readOnly ? "ro" : "rw");
    }

    /**
     * Removes it, unless somebody has it open; whether it is gone.
     *
     * @throws IOException the kernel refused for another reason; it is as before
     */
    boolean remove() throws IOException {
        close();
        int result = new DmRequest().uuid(uuid).send(control, DmIoctl.DM_DEV_REMOVE);
        // The mark may have been quicker.
        if (result != 0 && result != -Errno.ENXIO) {
            reopen();
            if (fd >= 0 && result != -Errno.EBUSY) {
                throw new SysException("remove", name(), -result);
            }
            if (fd >= 0) {
                return false;
            }
        }
        awaitEnd();
        return true;
    }

    private void close() {
        if (fd >= 0) {
            FileCalls.close(fd);
            fd = -1;
        }
    }

    /** If it is gone meanwhile, its number may be another's: what is open is ours if our UUID has that number still. */
    private void reopen() {
        int opened = FileCalls.open(node(), FileCalls.O_RDONLY);
        DmRequest status = new DmRequest().uuid(uuid);
        if (opened >= 0
                && status.send(control, DmIoctl.DM_DEV_STATUS) == 0
                && status.number().equals(number)) {
            fd = opened;
        } else if (opened >= 0) {
            FileCalls.close(opened);
        }
    }

    private void awaitEnd() throws IOException {
        for (int attempt = 0; !gone(); attempt++) {
            if (attempt == GONE_ATTEMPTS) {
                throw new IOException(name() + " was taken away, and is still there");
            }
            LockSupport.parkNanos(GONE_POLL_NANOS);
        }
        names.removeNode(name());
    }

    /**
     * The number may be another's by now. While the kernel takes a device apart, its UUID can't be read; of its names, the
     * one in /sys/block goes before the node in /dev does, this one behind.
     */
    private boolean gone() {
        Path folder = number.folder();
        try {
            return !uuid.equals(readUuid(folder));
        } catch (IOException unreadable) {
            return !Files.exists(folder);
        }
    }

    private static String readUuid(Path folder) throws IOException {
        return Files.readString(folder.resolve("dm/uuid"), StandardCharsets.UTF_8)
                .strip();
    }
}
