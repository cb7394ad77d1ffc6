package org.vnd.export.kernel;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.KernelDevice;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.LoopConfig;
import org.vnd.sys.abi.LoopInfo;

/**
 * The kernel's loop driver, loop(4), on a range of the block device under the image's file system: no process is on the
 * way of a request.
 *
 * <p>It is set up with autoclear, and the descriptor kept open is what keeps it: when the daemon is killed, the kernel takes
 * the device away, at once or when its last user closes it.
 */
public final class LoopDevice implements KernelDevice {
    /** Others take free loop devices too; whoever loses asks for the next. */
    private static final int ATTEMPTS = 64;

    /** Somebody who only looks at what has changed, as udev does after each close, is gone within half a second. */
    private static final int BUSY_ATTEMPTS = 10;

    private static final long BUSY_PAUSE_NANOS = 50_000_000;

    private static final long GONE_POLL_NANOS = 1_000_000;

    /** From the last close until /sys has let go of it: the kernel writes nothing back there, it takes a moment. */
    private static final int GONE_ATTEMPTS = 5000;

    private final String name;
    private final Partitions partitions;
    private int fd;

    private LoopDevice(String name, int fd) throws SysException {
        this.name = name;
        this.fd = fd;
        this.partitions = new Partitions(node());
    }

    /**
     * Makes a block device of a range of the device {@code backing}, which the kernel then keeps open. Its partitions are
     * there when this returns.
     *
     * @param backing descriptor, O_DIRECT, open for writing unless {@code readOnly}
     * @param offsetBytes a multiple of {@code blockBytes}
     * @param sizeBytes of the device; what is no whole block at the end is cut off
     * @param blockBytes the logical block, 512 to a page
     * @param label what a listing of loop devices says of it
     * @throws IOException it can't be; nothing is left, and the message says why
     */
    public static LoopDevice attach(
            int backing, long offsetBytes, long sizeBytes, int blockBytes, boolean readOnly, String label)
            throws IOException {
        int control = FileCalls.open("/dev/loop-control", FileCalls.O_RDWR);
        if (control == -Errno.ENOENT || control == -Errno.ENODEV) {
            throw new IOException("the kernel has no loop devices (modprobe loop)");
        }
        if (control < 0) {
            throw new IOException("no permission for /dev/loop-control: " + Errno.message(-control));
        }
        try {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                int number = FileCalls.ioctl(control, LoopConfig.LOOP_CTL_GET_FREE, 0);
                if (number < 0) {
                    throw new IOException("no loop device is free: " + Errno.message(-number));
                }
                String name = "loop" + number;
                int fd = open(name, readOnly);
                int result = configure(fd, backing, offsetBytes, sizeBytes, blockBytes, readOnly, label);
                if (result == 0) {
                    return verified(new LoopDevice(name, fd));
                }
                FileCalls.close(fd);
                if (result != -Errno.EBUSY) {
                    throw new SysException("LOOP_CONFIGURE", name, -result);
                }
            }
            throw new IOException("no loop device is free: others took them all");
        } finally {
            FileCalls.close(control);
        }
    }

    private static int open(String name, boolean readOnly) throws IOException {
        for (BlockNode node : BlockNode.ofDisk(name)) {
            node.make();
        }
        int flags = readOnly ? FileCalls.O_RDONLY : FileCalls.O_RDWR;
        return (int) Libc.check(FileCalls.open("/dev/" + name, flags), "open", "/dev/" + name);
    }

    private static int configure(
            int fd, int backing, long offsetBytes, long sizeBytes, int blockBytes, boolean readOnly, String label) {
        assert offsetBytes % blockBytes == 0;
        int info = LoopConfig.INFO_OFFSET;
        int flags = LoopInfo.LO_FLAGS_AUTOCLEAR | LoopInfo.LO_FLAGS_PARTSCAN | LoopInfo.LO_FLAGS_DIRECT_IO;
        byte[] text = label.getBytes(StandardCharsets.UTF_8);
        ByteBuffer config = Libc.struct(LoopConfig.SIZE_BYTES);
        config.putInt(LoopConfig.FD_OFFSET, backing)
                .putInt(LoopConfig.BLOCK_SIZE_OFFSET, blockBytes)
                .putLong(info + LoopInfo.OFFSET_OFFSET, offsetBytes)
                .putLong(info + LoopInfo.SIZELIMIT_OFFSET, sizeBytes / blockBytes * blockBytes)
                .putInt(info + LoopInfo.FLAGS_OFFSET, flags | (readOnly ? LoopInfo.LO_FLAGS_READ_ONLY : 0))
                .put(info + LoopInfo.FILE_NAME_OFFSET, text, 0, Math.min(text.length, LoopInfo.LO_NAME_SIZE - 1));
        try {
            return FileCalls.ioctl(fd, LoopConfig.LOOP_CONFIGURE, Libc.address(config));
        } finally {
            Reference.reachabilityFence(config);
        }
    }

    /** The kernel may have switched direct I/O off, without a word: where the offset isn't aligned to the device below. */
    private static LoopDevice verified(LoopDevice device) throws IOException {
        ByteBuffer info = Libc.struct(LoopInfo.SIZE_BYTES);
        int result = FileCalls.ioctl(device.fd, LoopConfig.LOOP_GET_STATUS64, Libc.address(info));
        boolean direct = result == 0 && (info.getInt(LoopInfo.FLAGS_OFFSET) & LoopInfo.LO_FLAGS_DIRECT_IO) != 0;
        if (!direct) {
            device.remove();
            throw new IOException("the loop driver does no direct I/O there");
        }
        device.lookForPartitions();
        return device;
    }

    @Override
    public String export() {
        return "loop";
    }

    @Override
    public String node() {
        return "/dev/" + name;
    }

    @Override
    public synchronized void lookForPartitions() throws IOException {
        if (fd >= 0) {
            partitions.look(fd);
        }
    }

    @Override
    public synchronized void remove() throws IOException {
        if (fd < 0) {
            return;
        }
        for (int attempt = 0; !clear(); attempt++) {
            if (attempt == BUSY_ATTEMPTS) {
                throw new DeviceBusyException(DeviceUsers.describe(name));
            }
            LockSupport.parkNanos(BUSY_PAUSE_NANOS);
        }
        FileCalls.close(fd);
        fd = -1;
        partitions.close();
        for (int attempt = 0; Files.exists(Path.of("/sys/block", name, "loop")); attempt++) {
            if (attempt == GONE_ATTEMPTS) {
                throw new IOException(name + " was taken away, and is still there");
            }
            LockSupport.parkNanos(GONE_POLL_NANOS);
        }
    }

    private boolean clear() throws SysException {
        int result = FileCalls.ioctl(fd, LoopConfig.LOOP_CLR_FD, 0);
        if (result < 0 && result != -Errno.ENXIO) {
            throw new SysException("LOOP_CLR_FD", name, -result);
        }
        // With other users the kernel says yes too, and clears it when the last of them has closed it.
        return !bound();
    }

    private boolean bound() {
        ByteBuffer info = Libc.struct(LoopInfo.SIZE_BYTES);
        try {
            return FileCalls.ioctl(fd, LoopConfig.LOOP_GET_STATUS64, Libc.address(info)) == 0;
        } finally {
            Reference.reachabilityFence(info);
        }
    }
}
