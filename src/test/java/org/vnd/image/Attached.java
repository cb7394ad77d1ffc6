package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.ListedFlags;
import org.vnd.mem.AlignedBuffer;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FanotifyCalls;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.FileFlags;

/** An attached image in a test: closing it detaches, and insists that the file is then as free as it was before. */
final class Attached implements AutoCloseable {
    /** include/uapi/linux/fanotify.h */
    private static final int FAN_MARK_FLUSH = 0x80;

    final AttachedImage image;
    private final Path path;
    private boolean released;

    private Attached(Path path, AttachedImage image) {
        this.path = path;
        this.image = image;
    }

    static AttachRequest request(Path path, Engine engine) {
        return new AttachRequest(path.toString(), "vnd7", engine, false, false, 0, 0);
    }

    static AttachRequest readOnly(Path path, Engine engine) {
        return new AttachRequest(path.toString(), "vnd7", engine, true, false, 0, 0);
    }

    static Attached physically(Path path) throws IOException {
        return attach(path, Engine.PHYSICAL);
    }

    static Attached attach(Path path, Engine engine) throws IOException {
        return attach(request(path, engine));
    }

    static Attached attach(AttachRequest request) throws IOException {
        return attach(request, AttachListener.NONE);
    }

    static Attached attach(AttachRequest request, AttachListener listener) throws IOException {
        return new Attached(Path.of(request.path()), AttachedImage.attach(request, listener));
    }

    /** Kills what refuses opens and holds the lock with us: until the next look at the lock, only the lease keeps others out. */
    void killHolder() throws IOException {
        ProcessHandle holder =
                ProcessHandle.of(((LayoutLock) image.lock()).holderPid()).orElseThrow();
        holder.destroyForcibly();
        while (image.lock().verify()) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** The same, and from now on the kernel asks nobody who opens the image: as if it had no fanotify. */
    void killHolderAndGuard() throws IOException {
        killHolder();
        String mark = "fanotify ino:" + Long.toHexString((Long) Files.getAttribute(path, "unix:ino")) + " ";
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fdinfo"))) {
            for (Path descriptor : descriptors) {
                String information = String.valueOf(SmallFile.read(descriptor.toString()));
                if (information.contains(mark)) {
                    int group = Integer.parseInt(descriptor.getFileName().toString());
                    assertEquals(0, FanotifyCalls.mark(group, FAN_MARK_FLUSH, 0, "/"));
                }
            }
        }
    }

    /** Root takes the flag away, by the descriptor that this process has: others couldn't open it. */
    void takeFlag() throws IOException {
        int fd = image.lock().descriptors()[0];
        FileFacts.writeFlags(fd, FileFacts.readFlags(fd) & ~FileFlags.FS_IMMUTABLE_FL, path.toString());
    }

    ExtentMap map() {
        return image.map();
    }

    /** Writes a block of {@code value} at {@code offset} of the disk, as an engine does. */
    void writeBlock(long offset, int value) throws IOException {
        try (AlignedBuffer block = new AlignedBuffer(AlignedBuffer.PAGE_BYTES)) {
            for (int at = 0; at < block.sizeBytes(); at++) {
                block.bytes().put(at, (byte) value);
            }
            Libc.check(
                    FileCalls.pwrite(image.fd(), block.address(), block.sizeBytes(), place(offset)), "pwrite", "disk");
        }
    }

    /** The first byte of the block at {@code offset} of the disk. */
    int readByte(long offset) throws IOException {
        try (AlignedBuffer block = new AlignedBuffer(AlignedBuffer.PAGE_BYTES)) {
            Libc.check(FileCalls.pread(image.fd(), block.address(), block.sizeBytes(), place(offset)), "pread", "disk");
            return block.bytes().get(0);
        }
    }

    private long place(long offset) {
        long at = image.offsetBytes() + offset;
        if (image.engine() == Engine.FILE) {
            return at;
        }
        int extent = map().find(at);
        return map().physicalBytes(extent) + at - map().startBytes(extent);
    }

    @Override
    public void close() throws IOException {
        if (!released) {
            assertEquals(Optional.empty(), release(AttachListener.NONE));
            assertUnlocked(path);
        }
    }

    Optional<String> release(AttachListener listener) throws IOException {
        Optional<String> complaint = image.lock().release(listener);
        released = true;
        return complaint;
    }

    /** No flag, no record, nobody has it open, and it can be opened for writing. */
    static void assertUnlocked(Path path) throws IOException {
        assertFalse(flags(path).contains("i"), "still immutable: " + path);
        assertFalse(hasRecord(path), "still has a record: " + path);
        int fd = (int) Libc.check(
                FileCalls.open(path.toString(), FileCalls.O_RDWR | FileCalls.O_NONBLOCK), "open", path.toString());
        try {
            int result;
            // Another test's child has this process's descriptors for a moment, until it starts its program.
            for (int attempt = 0; ; attempt++) {
                result = FileCalls.fcntl(fd, FileCalls.F_SETLEASE, FileCalls.F_WRLCK);
                if (result != -Errno.EAGAIN || attempt == 100) {
                    break;
                }
                LockSupport.parkNanos(10_000_000);
            }
            assertEquals(0, result, "somebody has it open");
        } finally {
            FileCalls.close(fd);
        }
    }

    static String flags(Path path) throws IOException {
        return ListedFlags.of(path.toRealPath());
    }

    static boolean hasRecord(Path path) {
        ByteBuffer value = Libc.struct(1024);
        return FileCalls.getxattr(path.toString(), OwnershipRecord.ATTRIBUTE, value) >= 0;
    }
}
