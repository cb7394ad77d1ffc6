package org.vnd.export.fuse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.ring.CompletionHandler;
import org.vnd.ring.Ring;
import org.vnd.ring.UringRing;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FuseInHeader;
import org.vnd.sys.abi.FuseOutHeader;
import org.vnd.sys.abi.FuseRing;
import org.vnd.sys.abi.IoVector;

/**
 * Requests of the kernel by the server's own io_uring, instead of a read and a write of /dev/fuse for each: Linux 6.14,
 * where root has switched it on (enable_uring of the module fuse). Each entry has memory in which a request arrives and its
 * answer is taken from, and belongs to the queue of one of the machine's processors: who asks for something from there waits
 * until one is free. INIT, FORGET and INTERRUPT still come by /dev/fuse.
 */
final class RingEntries implements CompletionHandler {
    /**
     * The most data of one request. An entry has memory for so much, even if it mostly gets single blocks, and there are as
     * many as there is memory for: with 15 a processor, 32 blocks at a time took 1.3 times as long as by /dev/fuse.
     */
    static final int TRANSFER_BYTES = 128 << 10;

    /** An offset that isn't a multiple of a page takes room before the data. */
    static final int RUN_BYTES = TRANSFER_BYTES + AlignedBuffer.PAGE_BYTES;

    /** As many as {@link Server#ARENA_BYTES} have room for, beside a message of /dev/fuse. */
    static final int LIMIT = (Server.ARENA_BYTES - Session.LONGEST_RUN_BYTES) / RUN_BYTES;

    /** With fewer a queue, a client that has several requests on their way is better served by /dev/fuse. */
    private static final int QUEUE_LEAST = 4;

    private static final Path SWITCH = Path.of("/sys/module/fuse/parameters/enable_uring");
    private static final Path PROCESSORS = Path.of("/sys/devices/system/cpu/possible");

    private final UringRing ring;
    private final BufferPool buffers;
    private final Session session;
    private final int fd;
    private final Consumer<String> log;
    private final int queues;
    private final int handler;
    private final AlignedBuffer headers;
    private final ByteBuffer payloads;
    /** The same memory: a buffer isn't its own source. */
    private final ByteBuffer source;

    private final int[] runs;
    private int registered;
    private int withKernel;
    private boolean used;
    private boolean stopped;
    private boolean closed;

    private RingEntries(UringRing ring, BufferPool buffers, Session session, int fd, Consumer<String> log, int queues)
            throws SysException {
        this.ring = ring;
        this.buffers = buffers;
        this.session = session;
        this.fd = fd;
        this.log = log;
        this.queues = queues;
        runs = new int[room(buffers) / queues * queues];
        headers = new AlignedBuffer(runs.length * (FuseRing.SIZE_BYTES + 2 * IoVector.SIZE_BYTES));
        payloads = buffers.arena().bytes();
        source = payloads.duplicate();
        handler = ring.addHandler(this);
    }

    /**
     * Entries for the file system of {@code fd}, or null where it does without.
     *
     * @throws SysException ENOMEM
     */
    static @Nullable RingEntries where(Ring ring, BufferPool buffers, Session session, int fd, Consumer<String> log)
            throws SysException {
        if (!(ring instanceof UringRing uring) || !uring.wide()) {
            return null;
        }
        int queues = processors();
        boolean fits = queues > 0 && room(buffers) / queues >= QUEUE_LEAST;
        return fits ? new RingEntries(uring, buffers, session, fd, log, queues) : null;
    }

    /** Whether it is switched on, so that a ring should have wide entries. */
    static boolean offered() {
        try {
            return Files.readString(SWITCH).startsWith("Y");
        } catch (IOException older) {
            return false;
        }
    }

    private static int room(BufferPool buffers) {
        return (int) Math.min(LIMIT, (buffers.freeBytes() - Session.LONGEST_RUN_BYTES) / RUN_BYTES);
    }

    /** Of this machine, those that could be plugged in among them: the kernel has a queue for each. 0 if that's unknown. */
    private static int processors() {
        try {
            String range = Files.readString(PROCESSORS).strip();
            return range.matches("0(-\\d+)?") ? Integer.parseInt(range.substring(range.indexOf('-') + 1)) + 1 : 0;
        } catch (IOException | NumberFormatException unknown) {
            return 0;
        }
    }

    /** Gives the kernel the entries, once, after the answer to INIT. */
    void register() {
        while (registered < runs.length) {
            int entry = registered++;
            runs[entry] = buffers.acquire(RUN_BYTES);
            assert runs[entry] != BufferPool.NONE : "before there were requests there was room";
            int vectors = runs.length * FuseRing.SIZE_BYTES + entry * 2 * IoVector.SIZE_BYTES;
            putVector(vectors, headers.address() + at(entry), FuseRing.SIZE_BYTES);
            putVector(vectors + IoVector.SIZE_BYTES, payloadAddress(entry), TRANSFER_BYTES);
            withKernel++;
            ring.wideCommand(
                    handler,
                    entry,
                    fd,
                    FuseRing.FUSE_IO_URING_CMD_REGISTER,
                    headers.address() + vectors,
                    2,
                    0,
                    0,
                    entry % queues);
        }
    }

    private void putVector(int index, long address, long length) {
        headers.bytes().putLong(index + IoVector.IOV_BASE_OFFSET, address);
        headers.bytes().putLong(index + IoVector.IOV_LEN_OFFSET, length);
    }

    private static int at(int entry) {
        return entry * FuseRing.SIZE_BYTES;
    }

    private long payloadAddress(int entry) {
        return buffers.arena().address() + runs[entry];
    }

    @Override
    public void completed(long tag, int result) {
        int entry = (int) tag;
        withKernel--;
        if (result < 0) {
            // The kernel won't use it again. If it couldn't be registered, /dev/fuse goes on, and needs the memory.
            buffers.release(runs[entry], RUN_BYTES);
            if (result != -Errno.ENOTCONN && result != -Errno.ECONNABORTED) {
                log.accept("fuse: io_uring: " + Errno.message(-result));
            }
        } else if (stopped) {
            refuse(entry);
        } else {
            if (!used) {
                used = true;
                log.accept("fuse: requests come by io_uring");
            }
            session.received(entry, headers.bytes(), at(entry), runs[entry]);
        }
        freeIfDone();
    }

    private void refuse(int entry) {
        ByteBuffer bytes = headers.bytes();
        int header = at(entry) + FuseRing.IN_OUT_OFFSET;
        long unique = bytes.getLong(header + FuseInHeader.UNIQUE_OFFSET);
        bytes.putInt(header + FuseOutHeader.LEN_OFFSET, FuseOutHeader.SIZE_BYTES)
                .putInt(header + FuseOutHeader.ERROR_OFFSET, -Errno.ENOTCONN)
                .putLong(header + FuseOutHeader.UNIQUE_OFFSET, unique);
        commit(entry, 0);
    }

    /** Answers the request that came by {@code entry}, as a {@link Channel} does. */
    void reply(int entry, int headerBytes, long dataAddress, int dataBytes) {
        ByteBuffer reply = session.replyBytes();
        ByteBuffer bytes = headers.bytes();
        int at = at(entry);
        bytes.put(at + FuseRing.IN_OUT_OFFSET, reply, 0, FuseOutHeader.SIZE_BYTES);
        int arguments = headerBytes - FuseOutHeader.SIZE_BYTES;
        payloads.put(runs[entry], reply, FuseOutHeader.SIZE_BYTES, arguments);
        if (dataBytes > 0 && dataAddress != payloadAddress(entry)) {
            payloads.put(runs[entry], source, buffers.arena().indexOf(dataAddress), dataBytes);
        }
        assert arguments == 0 || dataBytes == 0;
        commit(entry, arguments + dataBytes);
    }

    private void commit(int entry, int payloadBytes) {
        assert payloadBytes <= TRANSFER_BYTES;
        ByteBuffer bytes = headers.bytes();
        bytes.putInt(at(entry) + FuseRing.PAYLOAD_SZ_OFFSET, payloadBytes);
        long commit = bytes.getLong(at(entry) + FuseRing.COMMIT_ID_OFFSET);
        withKernel++;
        ring.wideCommand(
                handler, entry, fd, FuseRing.FUSE_IO_URING_CMD_COMMIT_AND_FETCH, 0, 0, 0, commit, entry % queues);
    }

    /** Answers requests that come from now on with ENOTCONN. */
    void stop() {
        stopped = true;
    }

    /**
     * Sees to it that the kernel has the answers, and frees the memory and the descriptor. As long as the file system is
     * mounted commands hold both: the memory is freed when they end, the descriptor when the ring is closed.
     */
    void close() {
        stopped = true;
        closed = true;
        ring.submit();
        if (withKernel == 0) {
            FileCalls.close(fd);
        } else {
            ring.closeAtEnd(fd);
        }
        freeIfDone();
    }

    private void freeIfDone() {
        if (closed && withKernel == 0) {
            closed = false;
            headers.close();
        }
    }
}
