package org.vnd.export.fuse;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockDevice;
import org.vnd.export.QueueExport;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.ring.CompletionHandler;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Fuse;
import org.vnd.sys.abi.IoVector;

/**
 * Serves a disk as the file of a mounted FUSE file system, see {@link FuseMount}.
 *
 * <p>Messages are read and written with plain readv(2) and writev(2) on a descriptor that doesn't block: they only copy
 * between this process and the client's memory, and are over at once. The ring is asked when there is something to read;
 * through an io_uring the reads would go to a thread of the kernel's each, since /dev/fuse can't be read without blocking
 * in its sense (no FMODE_NOWAIT).
 */
public final class Server implements QueueExport, CompletionHandler {
    /** How many operations of a ring a server has in flight at most: the poll, and a command an entry. */
    public static final int RING_OPERATIONS = 1 + RingEntries.LIMIT;

    /**
     * Memory that a server wants: 32 requests of the largest size, the depth at which transfers are measured, or all slots
     * of a quarter of that size.
     */
    public static final int ARENA_BYTES = 32 * Session.LONGEST_RUN_BYTES;

    private final Ring ring;
    private final int handler;
    private final int fd;
    private final Consumer<String> log;
    private final Session session;
    private final AlignedBuffer vectors;
    private final long readVectors;
    private final long writeVectors;
    private final @Nullable RingEntries entries;
    private boolean polling;
    /** Whether there may be something to read that the poll won't tell of. */
    private boolean pending;

    /** Written on the ring's thread. */
    private volatile boolean gone;

    private boolean stopped;
    private boolean closed;

    /**
     * A server of {@code device}, whose data passes through {@code buffers}, for the file system that was mounted with
     * {@code fuseFd}, which is the server's from now on. {@link #start}ed on the ring's thread.
     *
     * @param log takes a line when the file system ends, or the kernel says what it shouldn't
     * @throws SysException ENOMEM
     * @throws IllegalArgumentException if {@code buffers} don't hold a request
     */
    public Server(Ring ring, BufferPool buffers, BlockDevice device, int fuseFd, Consumer<String> log)
            throws SysException {
        if (buffers.freeBytes() < Session.LONGEST_RUN_BYTES) {
            throw new IllegalArgumentException("less memory than one request needs: " + buffers.freeBytes());
        }
        this.ring = ring;
        this.fd = fuseFd;
        this.log = log;
        session = new Session(device, buffers, FuseMount.userId(), FuseMount.groupId(), this::send);
        vectors = new AlignedBuffer(4 * IoVector.SIZE_BYTES);
        readVectors = vectors.address();
        writeVectors = readVectors + 2 * IoVector.SIZE_BYTES;
        setVector(0, session.headerAddress(), Request.HEADER_PART_BYTES);
        assert Request.HEADER_PART_BYTES + Session.TRANSFER_BYTES >= Fuse.FUSE_MIN_READ_BUFFER;
        handler = ring.addHandler(this);
        entries = RingEntries.where(ring, buffers, session, fuseFd, log);
        if (entries != null) {
            session.wantRing();
        }
    }

    /**
     * Has the kernel end the file system, with an error for everybody who waits for it, if it has waited for an answer for
     * so long, 1 to 65535. Before {@link #start}; needs Linux 6.15, which looks four times a minute.
     */
    public void giveUpAfter(int seconds) {
        session.giveUpAfter(seconds);
    }

    /** Before {@link #start}: nobody but a loop device will use the file, and is told by it what the disk can do. */
    public void serveLoop() {
        session.holes.serveLoop();
    }

    /** Whether the kernel has FUSE over io_uring switched on, for which a ring should have wide entries. */
    public static boolean wantsWideEntries() {
        return RingEntries.offered();
    }

    private void setVector(int number, long address, long length) {
        int index = number * IoVector.SIZE_BYTES;
        vectors.bytes().putLong(index + IoVector.IOV_BASE_OFFSET, address);
        vectors.bytes().putLong(index + IoVector.IOV_LEN_OFFSET, length);
    }

    @Override
    public void start() {
        pending = true;
        receive();
    }

    @Override
    public void afterRun() {
        if (pending) {
            receive();
        }
    }

    /** Who uses a file system is the kernel's to know: {@link FuseMount#remove} asks it. */
    @Override
    public int clients() {
        return 0;
    }

    @Override
    public boolean servesKernel() {
        return !gone;
    }

    /** Descriptors of the file that somebody has open, a loop device's among them. */
    public int openFiles() {
        return gone ? 0 : session.openFiles();
    }

    /** Requests between their arrival and their reply. */
    public int requestsInFlight() {
        return session.inFlight();
    }

    /** Whether the file system is not mounted any more, or its connection was aborted. */
    public boolean unmounted() {
        return gone;
    }

    /** As the interface says. Who asks for something while the file system is still mounted waits until {@link #close}. */
    @Override
    public void stop() {
        stopped = true;
        if (entries != null) {
            entries.stop();
        }
    }

    @Override
    public boolean drained() {
        // A poll may be left: it ends with the file system or with the ring, and has no memory.
        return stopped && session.inFlight() == 0;
    }

    /**
     * Frees the memory and closes the descriptor: if the file system is still mounted, and nobody has a copy of the
     * descriptor, whoever uses it gets ENOTCONN. See {@link RingEntries#close}, too.
     */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            assert session.inFlight() == 0;
            session.close();
            vectors.close();
            if (entries != null) {
                entries.close();
            } else {
                FileCalls.close(fd);
            }
        }
    }

    @Override
    public void completed(long tag, int result) {
        polling = false;
        pending = true;
    }

    private void receive() {
        // As many as there are slots, so that others on this thread get on while somebody asks for attributes in a
        // loop.
        for (int count = 0; count < Session.SLOTS; count++) {
            if (stopped || gone || !session.ready()) {
                return; // Not ready: a completion calls for afterRun again.
            }
            setVector(1, session.dataAddress(), Session.TRANSFER_BYTES);
            long result = FileCalls.readv(fd, readVectors, 2);
            if (result >= 0) {
                session.received((int) result);
                if (entries != null && session.overRing()) {
                    entries.register();
                }
            } else if (result == -Errno.EAGAIN) {
                break;
            } else if (result != -Errno.EINTR && result != -Errno.ENOENT) { // ENOENT: interrupted before it was read.
                end((int) -result);
                return;
            }
        }
        pending = false;
        if (!polling) {
            polling = true;
            ring.pollReadable(handler, 0, fd);
        }
    }

    private void send(int entry, int headerBytes, long dataAddress, int dataBytes) {
        if (entries != null && entry != Session.NO_ENTRY) {
            entries.reply(entry, headerBytes, dataAddress, dataBytes);
            return;
        }
        setVector(2, session.replyAddress(), headerBytes);
        setVector(3, dataAddress, dataBytes);
        long result = FileCalls.writev(fd, writeVectors, dataBytes > 0 ? 2 : 1);
        // ENOENT: nobody waits for the answer any more; ENODEV: unmounted.
        if (result < 0 && result != -Errno.ENOENT && result != -Errno.ENODEV) {
            log.accept("fuse: a reply was refused: " + Errno.message((int) -result));
        }
    }

    private void end(int errno) {
        gone = true;
        pending = false;
        boolean unmounted = errno == Errno.ENODEV || errno == Errno.ECONNABORTED;
        log.accept("fuse: " + (unmounted ? "the file system was unmounted" : "read: " + Errno.message(errno)));
    }
}
