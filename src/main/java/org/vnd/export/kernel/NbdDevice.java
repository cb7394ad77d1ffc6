package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
import org.vnd.export.KernelDevice;
import org.vnd.export.Partitions;
import org.vnd.export.SmallProgram;
import org.vnd.node.BlockNode;
import org.vnd.node.DeviceNames;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.OwnProgram;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;

/**
 * The kernel's nbd driver as a client of this process: /dev/nbdN. It is told over netlink what to do; no thread waits in an
 * ioctl for the device's end, and none reads or writes the device, for what waits for its own process can't be killed nor
 * debugged. What has to be done on the device is done by small programs that can.
 *
 * <p>A device that was there before, unused, is left as it was: the module comes with sixteen, which others count on. One
 * that the kernel made for us goes.
 */
public final class NbdDevice implements KernelDevice {
    /**
     * Connections, each a queue of the device with 128 requests and a thread of the kernel that copies what is read: as many
     * as disk and host usefully have in work, since ours is one thread anyway, and spare ones for a host with fewer
     * processors, which then uses only as many.
     */
    public static final int CONNECTIONS = 4;

    /** Somebody who only looks at what has changed, as udev does after each close, is gone within half a second. */
    private static final int BUSY_ATTEMPTS = 10;

    private static final long BUSY_PAUSE_NANOS = 50_000_000;

    private static final long GONE_POLL_NANOS = 1_000_000;
    private static final int GONE_ATTEMPTS = 5000;

    /** What nobody has waited for is little, but the disk may be slow. */
    private static final int FLUSH_LIMIT_SECONDS = 600;

    /** Field of /sys/block/…/stat, Documentation/block/stat.rst: requests to write. */
    private static final int WRITES_FIELD = 4;

    private static final Path DISKS = Path.of("/sys/block");

    private final NbdFamily family;
    private final int index;
    private final String identifier;
    private final boolean kept;
    private final @Nullable IntConsumer server;
    private final DeviceNames names;
    private String writesSeen = "";
    /** Looks for partitions. */
    private @Nullable FutureTask<Boolean> looking;

    /** Whether somebody is taking it away. */
    private boolean leaving;

    private boolean removed;

    private NbdDevice(
            NbdFamily family,
            int index,
            String identifier,
            boolean kept,
            @Nullable IntConsumer server,
            DeviceNames names) {
        this.family = family;
        this.index = index;
        this.identifier = identifier;
        this.kept = kept;
        this.server = server;
        this.names = names;
    }

    /**
     * Makes a device of the disk. Its partitions are there when this returns. The queue's thread has to serve the
     * connections meanwhile.
     *
     * @param identifier what /sys/block/nbdN/backend says, unlike that of any other device of this host; see {@link #find}
     * @param server is given the server's ends of the connections, to close, on the thread that calls this or {@link
     *     #lookForPartitions}
     * @param names of the disk, which are this device's from now on
     * @throws IOException it can't be; nothing is left, and the message says why
     */
    public static NbdDevice attach(
            NbdShape shape, NbdTimeouts timeouts, String identifier, IntConsumer server, DeviceNames names)
            throws IOException {
        NbdFamily family = NbdFamily.open();
        try {
            Set<String> before = disks();
            int index = withConnections(
                    CONNECTIONS, server, sockets -> family.connect(shape, timeouts, identifier, sockets));
            boolean kept = before.contains("nbd" + index);
            NbdDevice device = new NbdDevice(family, index, identifier, kept, server, names);
            try {
                if (kept) {
                    family.keep(index, identifier);
                }
                BlockNode disk = BlockNode.disk(device.name());
                names.use(disk);
                names.makeNode(disk);
                Partitions.update(device.node());
            } catch (IOException | RuntimeException | Error e) {
                family.disconnect(index);
                names.removeNode(device.name());
                throw e;
            }
            return device;
        } catch (IOException | RuntimeException | Error e) {
            family.close();
            throw e;
        }
    }

    /**
     * The device that a process left behind which was killed: it still has its connections, or its users, and answers EIO.
     * It can only be {@link #remove}d. Needs Linux 5.13.
     *
     * @param names in which its node is noted, if it has to be made
     */
    public static @Nullable NbdDevice find(String identifier, DeviceNames names) throws IOException {
        for (String disk : disks()) {
            if (identifier.equals(backend(disk))) {
                int index = Integer.parseInt(disk.substring("nbd".length()));
                names.makeNode(BlockNode.disk(disk));
                return new NbdDevice(NbdFamily.open(), index, identifier, true, null, names);
            }
        }
        return null;
    }

    private static Set<String> disks() throws IOException {
        Set<String> disks = new HashSet<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(DISKS, "nbd[0-9]*")) {
            folders.forEach(folder -> disks.add(folder.getFileName().toString()));
        }
        return disks;
    }

    /** Empty if it has none, or is gone. */
    private static String backend(String disk) throws IOException {
        return SmallFile.readIfThere(DISKS.resolve(disk).resolve("backend"));
    }

    private interface SocketsUser {
        int use(int[] sockets) throws IOException;
    }

    /** Makes {@code count} connections of which the server has one end, and {@code user} the other until it returns. */
    private static int withConnections(int count, IntConsumer server, SocketsUser user) throws IOException {
        int[] sockets = new int[count];
        int made = 0;
        try {
            int[] pair = new int[2];
            while (made < count) {
                Libc.check(SocketCalls.unixPair(pair), "socketpair", "");
                sockets[made++] = pair[0];
                server.accept(pair[1]);
            }
            return user.use(sockets);
        } finally {
            // The driver has its own hold on them, if all went well; otherwise the server sees their end.
            while (made > 0) {
                FileCalls.close(sockets[--made]);
            }
        }
    }

    private String name() {
        return "nbd" + index;
    }

    @Override
    public String export() {
        return "nbd-kernel";
    }

    @Override
    public String node() {
        return "/dev/" + name();
    }

    /**
     * Beside that, has the driver get new connections for those it has given up; see {@link NbdTimeouts}. Waits for nothing:
     * what is found is there the next time.
     */
    @Override
    public synchronized void lookForPartitions() throws IOException {
        if (removed || server == null || ended()) {
            return;
        }
        int lost = family.lostConnections(index, CONNECTIONS);
        if (lost > 0) {
            withConnections(lost, server, sockets -> {
                family.reconnect(index, identifier, sockets);
                return lost;
            });
        }
        if (leaving) {
            return;
        }
        if (looking != null) {
            if (!looking.isDone()) {
                return;
            }
            if (!Partitions.await(looking)) {
                // As while the disk's requests are held: again.
                writesSeen = "";
            }
            looking = null;
        }
        // It takes a program, and nothing changes unless somebody writes.
        String writes = writes();
        if (!writes.equals(writesSeen)) {
            writesSeen = writes;
            looking = Partitions.startUpdate(node());
        }
    }

    @Override
    public Optional<String> look() throws IOException {
        lookForPartitions();
        // Requests fail by themselves if their connections stay away.
        return Optional.empty();
    }

    private String writes() {
        try {
            Path statistics = DISKS.resolve(name()).resolve("stat");
            return Files.readString(statistics, StandardCharsets.US_ASCII)
                    .strip()
                    .split(" +")[WRITES_FIELD];
        } catch (IOException gone) {
            return writesSeen;
        }
    }

    @Override
    public void remove() throws IOException {
        FutureTask<Boolean> lookingYet;
        synchronized (this) {
            if (removed) {
                return;
            }
            leaving = true;
            lookingYet = looking;
            looking = null;
        }
        try {
            // Without the monitor: the driver may want new connections meanwhile.
            if (lookingYet != null) {
                // It would count as a user.
                Partitions.await(lookingYet);
            }
            // Anybody may have disconnected it who may do it.
            if (!ended()) {
                takeAway();
                awaitEnd();
            }
        } catch (IOException | RuntimeException | Error e) {
            synchronized (this) {
                leaving = false;
            }
            throw e;
        }
        synchronized (this) {
            removed = true;
            family.close();
        }
        names.removeNode(name());
    }

    private void takeAway() throws IOException {
        // As long as it is ours alone nobody can mount it, nor a partition of it.
        int claim = claim();
        try {
            String blockdev = OwnProgram.path("vnd-blockdev");
            boolean flushed = SmallProgram.run(FLUSH_LIMIT_SECONDS, blockdev, "flush", node());
            if (!flushed && server != null) {
                throw new IOException(node() + " can't be flushed (" + blockdev + " flush)");
            }
            if (BlockNode.ofDisk(name()).size() > 1) {
                SmallProgram.run(Partitions.LIMIT_SECONDS, blockdev, "forget", node());
            }
            synchronized (this) {
                family.disconnect(index);
            }
        } finally {
            FileCalls.close(claim);
        }
    }

    private int claim() throws IOException {
        for (int attempt = 0; ; attempt++) {
            // Before it is opened, so that there is hardly anybody left with whom we could wait for a lock of the
            // device.
            if (DeviceUsers.of(name()).isEmpty()) {
                int claim = FileCalls.open(node(), FileCalls.O_RDONLY | FileCalls.O_EXCL);
                if (claim >= 0 && DeviceUsers.of(name()).isEmpty()) {
                    return claim;
                }
                if (claim >= 0) {
                    FileCalls.close(claim);
                } else if (claim != -Errno.EBUSY) {
                    throw new SysException("open", node(), -claim);
                }
            }
            if (attempt == BUSY_ATTEMPTS) {
                throw new DeviceBusyException(DeviceUsers.describe(name()));
            }
            LockSupport.parkNanos(BUSY_PAUSE_NANOS);
        }
    }

    private void awaitEnd() throws IOException {
        for (int attempt = 0; !ended(); attempt++) {
            if (attempt == GONE_ATTEMPTS) {
                throw new IOException(node() + " was taken away, and is still there");
            }
            LockSupport.parkNanos(GONE_POLL_NANOS);
        }
    }

    private synchronized boolean ended() throws IOException {
        String backend = backend(name());
        if (!backend.isEmpty()) {
            // Another's: it has got the number in the meantime.
            return !backend.equals(identifier);
        }
        return kept ? !family.connected(index) : !Files.exists(DISKS.resolve(name()));
    }
}
