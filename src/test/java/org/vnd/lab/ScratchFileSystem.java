package org.vnd.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/**
 * A file system made for one test, on a loop device over a sparse file, mounted in a new directory. Closing it takes all
 * of that away again, in reverse, also when the test failed half way, and so does the end of the JVM. It only ever
 * detaches the loop device that losetup named to it.
 *
 * <p>The files are under the directory of the property {@code vnd.lab.directory}, /var/tmp if there is none.
 */
public final class ScratchFileSystem implements AutoCloseable {
    /** include/uapi/linux/ext4.h EXT4_IOC_SHUTDOWN and fs/xfs/libxfs/xfs_fs.h XFS_IOC_GOINGDOWN: _IOR('X', 125, u32). */
    private static final long SHUTDOWN = 0x8004587DL;

    /** XFS_FSOP_GOING_FLAGS_NOLOGFLUSH: what isn't on the disk yet never gets there, as when the power fails. */
    private static final int NO_LOG_FLUSH = 2;

    /** include/uapi/asm-generic/fcntl.h; of a block device it means: unless a file system is mounted from it. */
    private static final int O_EXCL = 0x80;

    private static final List<ScratchFileSystem> OPEN = new ArrayList<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(ScratchFileSystem::closeAll, "scratch file systems"));
    }

    private final FileSystemKind kind;
    private final List<String> mountOptions;
    private final boolean reserveless;
    private final Path directory;
    private final Path mountPoint;
    private final Path overlay;
    private LoopDevice loop;

    /** What to make; see {@link #of}. */
    public static final class Builder {
        private final FileSystemKind kind;
        private int sizeMebibytes;
        private final List<String> makerOptions = new ArrayList<>();
        private final List<String> mountOptions = new ArrayList<>();
        private boolean direct = true;
        private boolean exchangeRange;
        private Path parent = Path.of(System.getProperty("vnd.lab.directory", "/var/tmp"));
        private boolean reserveless;
        private int sectorBytes = 512;

        private Builder(FileSystemKind kind) {
            this.kind = kind;
            this.sizeMebibytes = Math.max(kind.minimumMebibytes, 512);
        }

        /** The size of its device, 512 MiB if not said; at least what its mkfs insists on. */
        public Builder sizeMebibytes(int size) {
            sizeMebibytes = Math.max(kind.minimumMebibytes, size);
            return this;
        }

        /** More arguments for mkfs. */
        public Builder makerOptions(Object... options) {
            Stream.of(options).map(Object::toString).forEach(makerOptions::add);
            return this;
        }

        /** Mount options, each as after -o. */
        public Builder mountOptions(String... options) {
            mountOptions.addAll(List.of(options));
            return this;
        }

        /** Lets the loop device go through the host's page cache, which is faster and loses the cost of real flushes. */
        public Builder buffered() {
            direct = false;
            return this;
        }

        /** The logical block size of its device, 512 if not said. */
        public Builder sectorBytes(int size) {
            sectorBytes = size;
            return this;
        }

        /** Keeps its files in {@code path}, on another one of these for example. */
        public Builder directory(Path path) {
            parent = path;
            return this;
        }

        /** XFS: can XFS_IOC_EXCHANGE_RANGE, and can't be checked. */
        public Builder exchangeRange() {
            exchangeRange = true;
            return this;
        }

        /** ext4: keeps nothing back of what is free, so that whoever takes all gets what was freed, too. */
        public Builder withoutReserve() {
            reserveless = true;
            return this;
        }

        /** Makes and mounts it. */
        public ScratchFileSystem create() {
            return new ScratchFileSystem(this);
        }
    }

    /** Begins to describe a file system of {@code kind}. */
    public static Builder of(FileSystemKind kind) {
        return new Builder(kind);
    }

    private ScratchFileSystem(Builder builder) {
        kind = builder.kind;
        mountOptions = List.copyOf(builder.mountOptions);
        reserveless = builder.reserveless;
        directory = temporaryDirectory(builder.parent);
        mountPoint = directory.resolve("mount");
        overlay = directory.resolve("overlay");
        synchronized (OPEN) {
            OPEN.add(this);
        }
        try {
            Files.createDirectory(mountPoint);
            if (kind.hasDevice()) {
                Path backing = directory.resolve("backing");
                loop = LoopDevice.over(
                        backing, builder.sizeMebibytes * 1024L * 1024, builder.direct, builder.sectorBytes);
                new Command(kind.maker().toArray())
                        .with(builder.makerOptions.toArray())
                        .with(loop.path())
                        .run()
                        .succeeded();
                if (builder.exchangeRange) {
                    ExchangeRange.enable(loop.path());
                }
                mount();
            } else {
                mount("size=" + builder.sizeMebibytes + "m");
            }
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e instanceof IOException io ? new UncheckedIOException(io) : sneak(e);
        }
    }

    private static RuntimeException sneak(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return (RuntimeException) e;
    }

    public FileSystemKind kind() {
        return kind;
    }

    /** Its top directory. Of an overlay that is the merged one, over a lower and an upper directory of one ext4. */
    public Path root() {
        return kind == FileSystemKind.OVERLAY ? overlay : mountPoint;
    }

    /** A path in {@link #root}. */
    public Path path(String name) {
        return root().resolve(name);
    }

    /** The loop device it is on. */
    public Path device() {
        return loop.path();
    }

    /** Gives it another loop device, the old one being free for anybody; it must be unmounted. */
    public void changeDevice() {
        LoopDevice old = loop;
        loop = LoopDevice.attach(backing(), false);
        old.close();
    }

    /** The file its device is over. */
    public Path backing() {
        return directory.resolve("backing");
    }

    /** Mounts it again after {@link #unmount}, with the options it was made with and {@code more}. */
    public void mount(String... more) {
        List<String> options = new ArrayList<>(mountOptions);
        options.addAll(List.of(more));
        String type = kind == FileSystemKind.OVERLAY ? "ext4" : kind.type;
        String source = kind.hasDevice() ? loop.path().toString() : "none";
        mount(type, source, mountPoint, options);
        if (reserveless && kind == FileSystemKind.EXT4) {
            dropReserve();
        }
        if (kind == FileSystemKind.OVERLAY) {
            mountOverlay();
        }
    }

    /** Documentation/ABI/testing/sysfs-fs-ext4; a mount has it anew. */
    private void dropReserve() {
        try {
            Files.writeString(Path.of("/sys/fs/ext4", loop.path().getFileName().toString(), "reserved_clusters"), "0");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void mountOverlay() {
        try {
            for (String part : List.of("lower", "upper", "work")) {
                Files.createDirectories(mountPoint.resolve(part));
            }
            Files.createDirectories(overlay);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String lower = "lowerdir=" + mountPoint.resolve("lower");
        String upper = "upperdir=" + mountPoint.resolve("upper");
        mount("overlay", "overlay", overlay, List.of(lower, upper, "workdir=" + mountPoint.resolve("work")));
    }

    private static void mount(String type, String source, Path target, List<String> options) {
        Command command = new Command("mount", "-t", type);
        if (!options.isEmpty()) {
            command.with("-o", String.join(",", options));
        }
        command.with(source, target).run().succeeded();
    }

    /** Changes mount options in place, as mount -o remount does. */
    public void remount(String... options) {
        new Command("mount", "-o", "remount," + String.join(",", options), mountPoint)
                .run()
                .succeeded();
    }

    /** Unmounts it; fails while something uses it. */
    public void unmount() {
        if (kind == FileSystemKind.OVERLAY) {
            new Command("umount", overlay).run().succeeded();
        }
        // A program that another test is just starting has what this process has open until it begins.
        for (int attempt = 0; attempt < 5; attempt++) {
            Command.Result result = new Command("umount", mountPoint).run();
            if (result.exitCode() == 0 || !result.errors().contains("busy")) {
                result.succeeded();
                return;
            }
            pause();
        }
        new Command("umount", mountPoint).run().succeeded();
    }

    /** Unmounts and mounts it: what is read afterwards is what the device holds. */
    public void cycle() {
        unmount();
        mount();
    }

    /** The same, with patience for who is on the way out; see {@link #unmountSoon}. */
    public void cycleSoon() {
        unmountSoon();
        mount();
    }

    /** Stops the file system as a power failure would: nothing more is written, the log isn't flushed. ext4 and XFS. */
    public void shutDown() throws SysException {
        int fd = (int) Libc.check(FileCalls.open(mountPoint.toString(), FileCalls.O_RDONLY), "open", "" + mountPoint);
        ByteBuffer how = Libc.struct(Integer.BYTES).putInt(0, NO_LOG_FLUSH);
        try {
            Libc.check(FileCalls.ioctl(fd, SHUTDOWN, Libc.address(how)), "ioctl SHUTDOWN", "" + mountPoint);
        } finally {
            Reference.reachabilityFence(how);
            FileCalls.close(fd);
        }
    }

    /** {@link #shutDown}, then unmount and mount, which replays the log. */
    public void crash() throws SysException {
        shutDown();
        cycle();
    }

    /** Unmounts it, but waits a while when it is in use: an io_uring's end lets go of its files in its own time. */
    public void unmountSoon() {
        for (int attempt = 0; attempt < 100; attempt++) {
            if (new Command("umount", root()).run().exitCode() == 0) {
                break;
            }
            pause();
        }
        if (mounted(root()) || kind == FileSystemKind.OVERLAY) {
            new Command("umount", mountPoint).run().succeeded();
        }
        awaitUnused();
    }

    /** A mount namespace that somebody made has a copy of the mount, which keeps the file system alive until it ends. */
    private void awaitUnused() {
        if (loop == null) {
            return;
        }
        for (int attempt = 0; attempt < 1200; attempt++) {
            int fd = FileCalls.open(loop.path().toString(), FileCalls.O_RDONLY | O_EXCL);
            if (fd >= 0) {
                FileCalls.close(fd);
                return;
            }
            pause();
        }
        throw new AssertionError(loop.path() + " stays in use though unmounted: by another mount namespace?");
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Unmounts it, lets the file system's checker look without changing anything, fails if it finds fault, mounts it. */
    public void check() {
        unmountSoon();
        checker().run().succeeded();
        mount();
    }

    private Command checker() {
        return switch (kind) {
            case EXT4, OVERLAY -> new Command("e2fsck", "-fn", loop.path());
            case XFS, XFS_NO_REFLINK -> new Command("xfs_repair", "-n", loop.path());
            case BTRFS -> new Command("btrfs", "check", "--readonly", loop.path());
            case TMPFS -> new Command("true");
        };
    }

    @Override
    public void close() {
        synchronized (OPEN) {
            if (!OPEN.remove(this)) {
                return;
            }
        }
        release(overlay);
        release(mountPoint);
        if (loop != null) {
            loop.close();
        }
        for (String name : List.of("backing", "mount", "overlay", "")) {
            try {
                Files.deleteIfExists(directory.resolve(name));
            } catch (IOException e) {
                System.err.println("left behind: " + directory.resolve(name) + ": " + e.getMessage());
            }
        }
    }

    /** Unmounts if mounted; lazily when it is in use, so that one leaked descriptor doesn't keep a device for ever. */
    private static void release(Path target) {
        if (!mounted(target)) {
            return;
        }
        if (new Command("umount", target).run().exitCode() != 0) {
            System.err.println("in use, so unmounted lazily: " + target);
            new Command("umount", "-l", target).run();
        }
    }

    private static boolean mounted(Path target) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/mounts"))) {
            return lines.anyMatch(line -> line.contains(" " + target + " "));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path temporaryDirectory(Path parent) {
        try {
            // Searchable by all: some tests are about what another user may do.
            return Files.createTempDirectory(
                    parent,
                    "vnd-lab-" + ProcessHandle.current().pid() + "-",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void closeAll() {
        List<ScratchFileSystem> left;
        synchronized (OPEN) {
            left = List.copyOf(OPEN);
        }
        for (int i = left.size() - 1; i >= 0; i--) {
            left.get(i).close();
        }
    }
}
